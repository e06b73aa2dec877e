//! Hex dumps: rows of an offset, bytes, and perhaps characters, amid lines that are neither.

use super::decode::Notation;
use super::row::Row;

/// The longest line that can be a row, in bytes.
const LONGEST_LINE: usize = 4096;

/// The rows of a dump, one line after the other. Offsets that begin anew begin another block: another packet.
#[derive(Default)]
pub(super) struct Rows {
    /// How many bytes of the block there have been, from its first offset on.
    next: u64,
    /// In which base offsets are, once that is known.
    base: Option<u32>,
    /// Bytes of the last row, which may be repeated.
    last: Vec<u8>,
    /// Whether rows like the last were left out, up to the next offset.
    is_repeated: bool,
    pub(super) has_begun: bool,
}

/// What a line has for a dump.
pub(super) enum Line {
    /// Neither an offset nor bytes.
    Other,
    /// The number of bytes that repeat the last row before these.
    Row { begins_block: bool, repeated: u64, bytes: Vec<u8> },
}

impl Rows {
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Line, String> {
        if line.trim_ascii() == b"*" && self.has_begun {
            self.is_repeated = true;
            return Ok(Line::Other);
        }
        let row = match Row::of(line) {
            Ok(Some(row)) if self.has_begun || !row.bytes.is_empty() => row,
            Ok(_) => return Ok(Line::Other),
            Err(fault) => return Err(fault),
        };
        let zero = row.offset(16) == Some(0);
        let mut repeated = 0;
        let mut begins_block = !self.has_begun;
        if begins_block {
            self.next = row.offset(16).unwrap_or_default();
        } else if std::mem::take(&mut self.is_repeated) {
            repeated = self.left_out(&row)?;
        } else if !self.is_next(&row) {
            if !zero {
                let expected = self.next;
                return Err(format!(
                    "the offset {}; expected that of byte {expected}, {expected:x} in hex",
                    row.offset
                ));
            }
            begins_block = true;
            self.next = 0;
        }
        self.has_begun = true;
        self.next += repeated + row.bytes.len() as u64;
        if !row.bytes.is_empty() {
            self.last.clone_from(&row.bytes);
        }
        Ok(Line::Row { begins_block, repeated, bytes: row.bytes })
    }

    fn bases(&self) -> impl Iterator<Item = u32> + use<> {
        self.base.map_or([16, 8, 10], |base| [base; 3]).into_iter()
    }

    fn is_next(&mut self, row: &Row) -> bool {
        let base = self.bases().find(|base| row.offset(*base) == Some(self.next));
        self.base = base.or(self.base);
        base.is_some()
    }

    /// How many bytes of rows like the last were left out before this one.
    fn left_out(&mut self, row: &Row) -> Result<u64, String> {
        let length = self.last.len() as u64;
        let between = self.bases().find_map(|base| {
            let count = row.offset(base)?.checked_sub(self.next)?;
            (length > 0 && count > 0 && count % length == 0).then_some((base, count))
        });
        let Some((base, count)) = between else {
            return Err(format!("the offset {} after a line `*`; expected that of a later row", row.offset));
        };
        self.base = Some(base);
        Ok(count)
    }
}

/// The bytes of all rows, as one stream.
#[derive(Default)]
pub(super) struct Dump {
    rows: Rows,
    line: Vec<u8>,
    /// How many bytes of repeated rows are yet to be given, the row, and what comes after them.
    repeated: u64,
    pattern: Vec<u8>,
    after: Vec<u8>,
}

impl Dump {
    fn complete(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let pattern = self.rows.last.clone();
        let line = std::mem::take(&mut self.line);
        match self.rows.line(&line)? {
            Line::Row { repeated: 0, bytes: row, .. } => bytes.extend(row),
            Line::Row { repeated, bytes: row, .. } => {
                (self.repeated, self.pattern, self.after) = (repeated, pattern, row);
            }
            Line::Other => {}
        }
        Ok(())
    }
}

impl Notation for Dump {
    const NAME: &'static str = "hex dump";

    fn take(&mut self, character: u8, bytes: &mut Vec<u8>) -> Result<(), String> {
        if character == b'\n' {
            return self.complete(bytes);
        }
        if self.line.len() == LONGEST_LINE {
            return Err(format!("a line of more than {LONGEST_LINE} bytes; expected a row of a dump"));
        }
        self.line.push(character);
        Ok(())
    }

    fn end(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        self.complete(bytes)?;
        if self.rows.is_repeated { Err("its end after a line `*`; expected the last offset".into()) } else { Ok(()) }
    }

    fn more(&mut self, bytes: &mut Vec<u8>) -> bool {
        if self.repeated > 0 {
            bytes.extend_from_slice(&self.pattern);
            self.repeated -= self.pattern.len() as u64;
            if self.repeated == 0 {
                bytes.append(&mut self.after);
            }
            return true;
        }
        false
    }
}

/// The bytes of each block of a dump of packets.
#[derive(Default)]
pub(super) struct Blocks {
    rows: Rows,
    block: Vec<u8>,
}

/// The longest packet, in bytes.
const LONGEST_BLOCK: u64 = 256 * 1024;

impl Blocks {
    /// Takes the next line: the block before it, if that is complete now.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let pattern = self.rows.last.clone();
        let Line::Row { begins_block, repeated, bytes } = self.rows.line(line)? else { return Ok(None) };
        let complete = begins_block.then(|| self.take()).flatten();
        if self.block.len() as u64 + repeated + bytes.len() as u64 > LONGEST_BLOCK {
            return Err(format!("more than {LONGEST_BLOCK} bytes in a packet"));
        }
        while (self.block.len() as u64) < self.rows.next - bytes.len() as u64 && repeated > 0 {
            self.block.extend_from_slice(&pattern);
        }
        self.block.extend(bytes);
        Ok(complete)
    }

    /// The block under way, at the end of the text.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let block = std::mem::take(&mut self.block);
        (!block.is_empty()).then_some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::decoded;
    use super::*;

    #[test]
    fn rows_are_put_together_and_other_lines_passed_over() {
        let text = "12:00:00.1 IP a > b: Flags [P.]\n\t0x0000:  0067  .g\n\n\t0x0002:  7b\nend\n";
        assert_eq!(decoded(Dump::default, text), (b"\0g{".to_vec(), None));
        let octal = "0000000 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41\n0000020 42\n0000021\n";
        assert_eq!(decoded(Dump::default, octal), (b"AAAAAAAAAAAAAAAAB".to_vec(), None));
    }

    #[test]
    fn rows_that_were_left_out_are_there() {
        let row = "41 41 41 41 41 41 41 41  41 41 41 41 41 41 41 41  |AAAAAAAAAAAAAAAA|";
        let text = format!("00000000  {row}\n*\n00000100  42  |B|\n00000101\n");
        assert_eq!(decoded(Dump::default, &text), ([&[b'A'; 256][..], b"B"].concat(), None));
        let mut blocks = Blocks::default();
        assert!(text.lines().all(|line| blocks.line(line.as_bytes()).unwrap().is_none()));
        assert_eq!(blocks.take().unwrap().len(), 257);
        let long = format!("00000000  {row}\n*\n10000000\n");
        assert!(
            long.lines().any(|line| Blocks::default().line(line.as_bytes()).is_err()) || {
                let mut blocks = Blocks::default();
                long.lines().any(|line| blocks.line(line.as_bytes()).is_err())
            }
        );
    }

    #[test]
    fn a_row_that_is_missing_or_broken_is_said() {
        let fault = |text| decoded(Dump::default, text).1.unwrap();
        assert!(
            fault("00000000: 0067  .g\n00000010: 7b  {\n")
                .contains("line 2, column 16: the offset 00000010; expected that of byte 2, 2 in hex")
        );
        assert!(fault("00000000: 0067  .g\n00000002: 7  {\n").contains("expected groups of hex digits"));
        assert!(fault("00000000: 0067  .g\n*\n").contains("expected the last offset"));
        assert!(fault("00000000: 0067  .g\n*\n00000001\n").contains("expected that of a later row"));
    }
}
