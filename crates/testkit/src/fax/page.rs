//! A page as it lies in a fax server's spool: decoded by libtiff, read by an OCR program. Neither is
//! of this project.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// A decoded page: one bit a pixel, black as one, each row from a byte of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaxPage {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub rows: usize,
    /// The pixels, `width` / 8 bytes a row.
    pub bits: Vec<u8>,
}

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("warifu-page-{}-{count}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        fs::create_dir(&folder.0).expect("a folder");
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

impl FaxPage {
    /// Has libtiff decode the first page of a TIFF file.
    ///
    /// # Panics
    /// If the package `libtiff-tools` is not there, or the file is no page of a fax.
    pub fn decode(tiff: &Path) -> FaxPage {
        let folder = Folder::new();
        let plain = folder.0.join("plain.tif");
        // All rows in one strip, not compressed.
        let one = [Path::new("-c"), Path::new("none"), Path::new("-r"), Path::new("100000")];
        printed("tiffcp", &[&one[..], &[tiff, &plain]].concat());
        let bytes = fs::read(&plain).expect("the decoded page");
        assert!(bytes.starts_with(b"II*\0"), "not a TIFF of this machine's byte order");
        let long = |at: usize| {
            let field: [u8; 4] = bytes[at..at + 4].try_into().expect("four bytes");
            u32::from_le_bytes(field) as usize
        };
        let short = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let directory = long(4);
        let value = |tag: usize| {
            let entries = (0..short(directory)).map(|entry| directory + 2 + entry * 12);
            let at = entries.into_iter().find(|at| short(*at) == tag).expect("a tag");
            if short(at + 2) == 3 { short(at + 8) } else { long(at + 8) }
        };
        assert_eq!((value(259), value(262)), (1, 0), "not compressed, white as zero");
        let (offset, count) = (value(273), value(279));
        let bits = bytes[offset..offset + count].to_vec();
        FaxPage { width: value(256), rows: value(257), bits }
    }

    /// What an OCR program reads off the page, its pixels made as high as wide. `languages` as
    /// tesseract names them: `eng`, `jpn`.
    ///
    /// # Panics
    /// If the package `tesseract-ocr` or the language's is not there.
    pub fn read(&self, languages: &str) -> String {
        let mut picture = format!("P4 {} {}\n", self.width, self.rows * 2).into_bytes();
        for row in self.bits.chunks(self.width / 8) {
            picture.extend_from_slice(row);
            picture.extend_from_slice(row);
        }
        recognized(&picture, languages, "4")
    }

    /// What an OCR program reads off one line, counted from the top and from 0, a rule as one. Such
    /// programs know letters of some thirty pixels and take higher ones for pictures, so the line is
    /// shown at a third of its size, in grey.
    ///
    /// # Panics
    /// If the package `tesseract-ocr` or the line is not there.
    pub fn read_line(&self, number: usize) -> String {
        let line = self.lines().swap_remove(number);
        let (width, height) = (self.width / SHRUNK, (line.len() * 2 + 2 * EDGE) / SHRUNK);
        let mut picture = format!("P5 {width} {height} 255\n").into_bytes();
        for y in 0..height {
            for x in 0..width {
                let square = (0..SHRUNK * SHRUNK).filter(|at| {
                    let row = (y * SHRUNK + at / SHRUNK).checked_sub(EDGE).map(|y| y / 2);
                    let row = row.filter(|row| *row < line.len());
                    row.is_some_and(|row| self.is_black(line.start + row, x * SHRUNK + at % SHRUNK))
                });
                let white = SHRUNK * SHRUNK - square.count();
                picture.push(u8::try_from(white * 255 / (SHRUNK * SHRUNK)).expect("a grey"));
            }
        }
        recognized(&picture, "eng", "7")
    }

    fn is_black(&self, row: usize, x: usize) -> bool {
        self.bits[row * self.width / 8 + x / 8] >> (7 - x % 8) & 1 == 1
    }

    /// The rows that belong together: something black in each.
    fn lines(&self) -> Vec<Range<usize>> {
        let (mut lines, mut start) = (Vec::new(), None);
        for (row, bits) in self.bits.chunks(self.width / 8).enumerate() {
            let white = bits.iter().all(|byte| *byte == 0);
            match start {
                None if !white => start = Some(row),
                Some(from) if white => {
                    lines.push(from..row);
                    start = None;
                }
                _ => {}
            }
        }
        lines
    }
}

/// The line of a card sheet with the card's number.
pub const CARD_NUMBER: usize = 6;
/// How many pixels to the side are one where a line is shown smaller.
const SHRUNK: usize = 3;
/// White above and below a line.
const EDGE: usize = 24;

/// What tesseract reads off a picture. `layout` is its `--psm`: 4 a column, 7 one line.
fn recognized(picture: &[u8], languages: &str, layout: &str) -> String {
    let folder = Folder::new();
    let file = folder.0.join("picture.pnm");
    fs::write(&file, picture).expect("the picture");
    let arguments = ["-", "-l", languages, "--psm", layout].map(Path::new);
    printed("tesseract", &[&[file.as_path()], arguments.as_slice()].concat())
}

/// What a program prints.
///
/// # Panics
/// If it is not there, or fails.
pub fn printed(program: &str, arguments: &[&Path]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error} (./test installs it)"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
