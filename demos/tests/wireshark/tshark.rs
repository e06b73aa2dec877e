//! Wireshark without its windows: `tshark`, with the dissector.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::capture::{Capture, Side};
use super::common::{PATIENCE, program, text};

/// What stands between two values of a field. A value that holds it is taken for several, on both sides.
pub(crate) const BETWEEN: char = '\u{1F}';

/// Whether there is a tshark. If not, the test is skipped, or fails where tests are to be complete.
pub(crate) fn is_there() -> bool {
    let ran = Command::new("tshark").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = ran.is_ok_and(|status| status.success());
    if !is_there {
        assert!(env::var_os("CI").is_none(), "tshark is missing");
        eprintln!("SKIPPED: tshark is missing");
    }
    is_there
}

/// A saved capture.
pub(crate) struct Saved {
    directory: TempDir,
}

impl Saved {
    pub(crate) fn new(capture: &Capture) -> Self {
        let directory = tempfile::tempdir().unwrap();
        capture.save(&directory.path().join("test.pcap"));
        Self { directory }
    }

    /// What tshark prints about the capture with these options.
    pub(crate) fn tshark(&self, options: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("wireshark/jsonframe.lua");
        let mut command = program("tshark", &["-n", "-r"]);
        command.arg(self.directory.path().join("test.pcap"));
        command.arg("-X").arg(format!("lua_script:{}", script.display())).args(options);
        // Nobody's preferences and plugins.
        let nothing: PathBuf = self.directory.path().join("config");
        command.env("WIRESHARK_CONFIG_DIR", &nothing).env("HOME", &nothing).env_remove("XDG_CONFIG_HOME");
        // It reads captures of ten thousands of frames, on machines that may be busy.
        let run = command.timeout(5 * PATIENCE).assert().success();
        let errors = text(&run.get_output().stderr);
        assert!(!errors.contains("Lua"), "{errors}");
        let output = text(&run.get_output().stdout);
        assert!(!output.contains("Lua Error"), "{output}");
        output.into()
    }

    /// The values of these fields, a line for each frame that passes the filter and a text for each field.
    pub(crate) fn fields(&self, filter: &str, fields: &[&str], options: &[&str]) -> Vec<Vec<String>> {
        let between = format!("aggregator={BETWEEN}");
        let mut arguments = vec!["-Y", filter, "-T", "fields", "-E", &between];
        for field in fields {
            arguments.extend(["-e", field]);
        }
        arguments.extend(options);
        self.tshark(&arguments).lines().map(|line| line.split('\t').map(String::from).collect()).collect()
    }

    /// The numbers of the frames that pass the filter.
    pub(crate) fn frames(&self, filter: &str, options: &[&str]) -> Vec<u32> {
        let lines = self.fields(filter, &["frame.number"], options);
        lines.iter().map(|fields| fields[0].parse().unwrap()).collect()
    }

    /// What was found in each direction of each connection.
    pub(crate) fn streams(&self, options: &[&str]) -> BTreeMap<(u16, Side), Columns> {
        let fields: Vec<&str> = ["tcp.stream", "tcp.dstport", "_ws.lua.error"].into_iter().chain(FIELDS).collect();
        let mut streams: BTreeMap<_, Columns> = BTreeMap::new();
        for line in self.fields("jsonframe", &fields, options) {
            let [stream, port, error, values @ ..] = line.as_slice() else { panic!("{line:?}") };
            assert!(error.is_empty(), "{line:?}");
            let side = if port == "65432" { Side::Client } else { Side::Server };
            let columns = streams.entry((stream.parse().unwrap(), side)).or_default();
            for (column, value) in columns.0.iter_mut().zip(values) {
                column.push(value.clone());
            }
        }
        streams
    }
}

/// The fields that are compared.
pub(crate) const FIELDS: [&str; 13] = [
    "jsonframe.offset",
    "jsonframe.header_length",
    "jsonframe.byteorder",
    "jsonframe.content_type",
    "jsonframe.content_encoding",
    "jsonframe.content_length",
    "jsonframe.extension.name",
    "jsonframe.extension.value",
    "jsonframe.content",
    "jsonframe.error.kind",
    "jsonframe.error.offset",
    "jsonframe.error.member",
    "jsonframe.error.missing",
];

/// The values of each of these fields in one stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns([Vec<String>; FIELDS.len()]);

impl Columns {
    #[expect(clippy::needless_pass_by_value, reason = "texts and numbers are given alike")]
    pub(crate) fn push(&mut self, field: &str, value: impl ToString) {
        let place = FIELDS.iter().position(|name| *name == format!("jsonframe.{field}")).expect(field);
        self.0[place].push(printed(&value.to_string()));
    }

    /// Moves everything to a later place in the stream.
    pub(crate) fn shift(&mut self, by: u64) {
        for (name, values) in FIELDS.into_iter().zip(&mut self.0) {
            if name.ends_with("offset") {
                for value in values {
                    *value = (value.parse::<u64>().unwrap() + by).to_string();
                }
            }
        }
    }

    /// Adds what was seen from this place of the stream on.
    pub(crate) fn append(&mut self, later: &Self, from: u64) {
        let mut later = later.clone();
        later.shift(from);
        for (values, later) in self.0.iter_mut().zip(later.0) {
            values.extend(later);
        }
    }

    /// The values of all fields as they are compared: one text a field, and the content as the bytes that there are.
    ///
    /// Empty values are left out: where they are the only ones of a frame, they cannot be told from none.
    pub(crate) fn texts(&self) -> BTreeMap<&'static str, String> {
        let join = |(name, values): (&'static str, &Vec<String>)| {
            let between = if name == "jsonframe.content" { "" } else { "\u{1F}" };
            let values: Vec<&str> =
                values.iter().flat_map(|values| values.split(BETWEEN)).filter(|value| !value.is_empty()).collect();
            (name, values.join(between))
        };
        FIELDS.into_iter().zip(&self.0).map(join).collect()
    }
}

/// A text as the dissector and tshark make it fit for one line.
fn printed(text: &str) -> String {
    let escapes = [("\0", "\\u0000"), ("\x08", "\\b"), ("\t", "\\t"), ("\n", "\\n"), ("\x0C", "\\f"), ("\r", "\\r")];
    escapes.iter().fold(String::from(text), |text, (character, escape)| text.replace(character, escape))
}
