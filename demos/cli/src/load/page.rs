//! The figures as a page with pictures, which needs nothing but itself.

use std::fmt::Write;

use plotters::prelude::*;

use super::report::Report;

const SIZE: (u32, u32) = (760, 320);

/// Why a picture cannot be drawn.
type Failure = Box<dyn std::error::Error>;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:780px;margin:2em auto;padding:0 1em;color:#222}\
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse}\
td,th{text-align:left;padding:.2em 1.2em .2em 0;border-bottom:1px solid #ddd}td{font-variant-numeric:tabular-nums}\
svg{max-width:100%;height:auto}";

/// The page about what came out, of this server.
///
/// # Errors
///
/// Why there is none, in words.
pub(super) fn page(report: &Report, server: &str) -> Result<String, String> {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n<title>jsonframe load: {0}</title>\n\
         <style>{STYLE}</style></head>\n<body>\n<h1>jsonframe load: {0}</h1>\n<table>\n",
        escaped(server)
    );
    for (name, value) in report.rows() {
        let (name, value) = (escaped(&name), escaped(&value));
        // A string takes everything.
        let _ = writeln!(page, "<tr><th>{name}</th><td id=\"{}\">{value}</td></tr>", name.replace(' ', "-"));
    }
    let pictures = curve(report).and_then(|curve| Ok((curve, throughput(report)?)));
    let (curve, throughput) = pictures.map_err(|error| format!("cannot draw a picture: {error}"))?;
    let _ = write!(
        page,
        "</table>\n<h2>Latency by percentile</h2>\n{curve}\n<h2>Answers per second over time</h2>\n{throughput}\n\
         </body>\n</html>\n"
    );
    Ok(page)
}

/// How long the answers took that were faster than the slowest part of all, down to the slowest one alone.
fn curve(report: &Report) -> Result<String, Failure> {
    // Of how many answers one is slower.
    let points: Vec<_> = report.curve().iter().map(|(quantile, us)| (1.0 / (1.0 - quantile), us / 1000.0)).collect();
    let right = points.last().map_or(10.0, |(x, _)| x.max(10.0));
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d((1.0..right).log_scale(), 0.0..top(&points))?;
        let percentile = |x: &f64| {
            let digits = format!("{:.6}", 100.0 - 100.0 / x);
            format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'))
        };
        chart
            .configure_mesh()
            .x_desc("percentile")
            .y_desc("milliseconds")
            .x_label_formatter(&percentile)
            .light_line_style(TRANSPARENT)
            .draw()?;
        chart.draw_series(LineSeries::new(points, BLUE.stroke_width(2)))?;
        Ok(())
    })
}

fn throughput(report: &Report) -> Result<String, Failure> {
    let rates: Vec<_> = report.rates().collect();
    let first = rates.first().map(|(_, rate)| (0.0, *rate));
    let points: Vec<_> = first.into_iter().chain(rates).collect();
    let right = points.last().map_or(1.0, |(seconds, _)| *seconds);
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(0.0..right, 0.0..top(&points))?;
        let mesh = &mut chart.configure_mesh();
        mesh.x_desc("seconds").y_desc("answers per second").light_line_style(TRANSPARENT).draw()?;
        chart.draw_series(AreaSeries::new(points, 0.0, BLUE.mix(0.2)).border_style(BLUE.stroke_width(2)))?;
        Ok(())
    })
}

fn top(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|(_, y)| *y).fold(f64::MIN_POSITIVE, f64::max) * 1.05
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(picture: impl FnOnce(&Area<'_>) -> Result<(), Failure>) -> Result<String, Failure> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        picture(&area)?;
        area.present()?;
    }
    Ok(svg)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
