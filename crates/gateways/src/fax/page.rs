//! A card sheet drawn as a fax page: 1728 pixels wide, 204 × 98 dots to the inch (the standard
//! resolution of ITU-T T.4), black on white.
//!
//! Text is drawn at twice the height and its rows are averaged in pairs, so that strokes keep their
//! weight on pixels that are higher than wide. The page's own buffers are wiped; copies that the
//! text library makes while it shapes a line are freed, not wiped.

use super::tiff;
use cosmic_text::{
    Attrs, Buffer, Color, Family, FontSystem, Metrics, Shaping, SwashCache, Wrap, fontdb::Database,
};
use time::OffsetDateTime;
use warifu_ports::fax::{CardSheet, FaxError};
use zeroize::Zeroizing;

/// Pixels in a row.
pub const WIDTH: u32 = 1728;
/// Rows of a page, which is shorter than A4: nothing is cut off at the other side.
pub const ROWS: u32 = 960;

/// The typeface, of Debian's package `fonts-noto-cjk`: Latin, kana and kanji in one.
const TYPEFACE: &str = "Noto Sans CJK JP";
/// White to the left and to the right: what many machines cut off, and a bit more.
const MARGIN: u32 = 110;
/// What a text may take.
const TEXT_WIDTH: f32 = (WIDTH - 2 * MARGIN) as f32;
/// How black, of 510 for two rows, a pixel has to be to be black.
const BLACK_FROM: u16 = 200;

const BYTES_A_ROW: usize = WIDTH as usize / 8;

/// The typeface, found once.
#[derive(Debug, Clone)]
pub struct Typeface(Database);

impl Typeface {
    /// Looks for the typeface among the system's.
    ///
    /// # Errors
    /// [`FaxError::Page`] if it is not installed.
    pub fn find() -> Result<Typeface, FaxError> {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        Typeface::among(fonts)
    }

    fn among(mut fonts: Database) -> Result<Typeface, FaxError> {
        let others: Vec<_> = fonts
            .faces()
            .filter(|face| !face.families.iter().any(|(name, _)| name == TYPEFACE))
            .map(|face| face.id)
            .collect();
        // No other typeface stands in for a character that this one does not have.
        others.into_iter().for_each(|id| fonts.remove_face(id));
        match fonts.is_empty() {
            true => Err(FaxError::Page("the typeface Noto Sans CJK JP is not installed")),
            false => Ok(Typeface(fonts)),
        }
    }
}

/// A drawn page, one bit for each pixel, 1 for black, the leftmost pixel in the highest bit.
/// It is wiped when it goes.
pub struct Page(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Page(..)")
    }
}

impl Page {
    /// Draws a sheet: its number, whom it is for, the card, when it was written, and nothing else.
    ///
    /// # Errors
    /// [`FaxError::Page`] if a text does not fit or has a character that cannot be drawn.
    pub fn draw(typeface: &Typeface, sheet: &CardSheet) -> Result<Page, FaxError> {
        let mut canvas = Canvas::new(typeface);
        let text = |text: &str| Zeroizing::new(text.to_owned());
        canvas.line(70.0, text("CARD SHEET  カード票"))?;
        canvas.line(56.0, Zeroizing::new(format!("To 宛先  {}", sheet.provider)))?;
        canvas.rule();
        canvas.line(48.0, text("Order number 注文番号"))?;
        canvas.line(96.0, text(&sheet.number))?;
        canvas.line(48.0, text("Card number カード番号"))?;
        canvas.line(140.0, grouped(&sheet.card_number)?)?;
        canvas.line(48.0, text("Name on the card 名義人"))?;
        canvas.line(110.0, sheet.holder_name.clone())?;
        canvas.line(48.0, text("Valid until, month / year 有効期限 月/年"))?;
        canvas.line(110.0, expiry(&sheet.card_expiry)?)?;
        canvas.rule();
        canvas.line(56.0, Zeroizing::new(written(sheet)?))?;
        canvas.line(48.0, text("Destroy after use. 使用後は破棄してください。"))?;
        Ok(canvas.page())
    }

    /// The pixels, [`WIDTH`] / 8 bytes a row.
    pub fn bits(&self) -> &[u8] {
        &self.0
    }

    /// The page as a TIFF of one page and one strip, Group 4 (ITU-T T.6).
    pub fn tiff(&self) -> Zeroizing<Vec<u8>> {
        tiff::write(&self.0, BYTES_A_ROW)
    }
}

/// The digits of a card number in groups of four.
fn grouped(number: &str) -> Result<Zeroizing<String>, FaxError> {
    if !(8..=19).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FaxError::Page("card_number is not 8 to 19 digits"));
    }
    let mut text = Zeroizing::new(String::with_capacity(32));
    for (at, digit) in number.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push_str("  ");
        }
        text.push(digit);
    }
    Ok(text)
}

fn expiry(expiry: &str) -> Result<Zeroizing<String>, FaxError> {
    match expiry.split_once('-') {
        Some((year, month)) if year.len() == 4 && month.len() == 2 => {
            Ok(Zeroizing::new(format!("{month} / {year}")))
        }
        _ => Err(FaxError::Page("card_expiry is not YYYY-MM")),
    }
}

fn written(sheet: &CardSheet) -> Result<String, FaxError> {
    let at = i64::try_from(sheet.written.0)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or(FaxError::Page("written is no time"))?;
    let (date, hour, minute) = (at.date(), at.hour(), at.minute());
    Ok(format!("Written 作成  {date} {hour:02}:{minute:02} UTC"))
}

/// What is drawn on: blackness of pixels of full width and half height, 0 to 510.
struct Canvas {
    fonts: FontSystem,
    grey: Zeroizing<Vec<u16>>,
    /// Where the next line begins, in pixels as high as wide.
    top: u32,
}

impl Canvas {
    fn new(typeface: &Typeface) -> Canvas {
        let fonts = FontSystem::new_with_locale_and_db("ja-JP".into(), typeface.0.clone());
        let grey = Zeroizing::new(vec![0; (WIDTH * ROWS) as usize]);
        Canvas { fonts, grey, top: 60 }
    }

    /// One line of text, made smaller until it fits, down to half its size.
    fn line(&mut self, size: f32, text: Zeroizing<String>) -> Result<(), FaxError> {
        let width = self.shape(size, &text)?.1;
        let size = if width > TEXT_WIDTH { size * TEXT_WIDTH / width * 0.99 } else { size };
        if size < 40.0 {
            return Err(FaxError::Page("a text is too long for a line"));
        }
        let (mut buffer, width) = self.shape(size, &text)?;
        if width > TEXT_WIDTH {
            return Err(FaxError::Page("a text is too long for a line"));
        }
        let (top, grey) = (self.top, &mut self.grey);
        let mut cache = SwashCache::new();
        buffer.draw(&mut self.fonts, &mut cache, Color::rgb(0, 0, 0), |x, y, w, h, color| {
            // The library draws pixel by pixel; a coloured rectangle does not come up in black text.
            let inside = |at: i32, offset: u32| u32::try_from(at).ok().map(|at| at + offset);
            if let (1, 1, Some(x), Some(y)) = (w, h, inside(x, MARGIN), inside(y, top))
                && x < WIDTH
                && let Some(pixel) = grey.get_mut((y / 2 * WIDTH + x) as usize)
            {
                *pixel = pixel.saturating_add(u16::from(color.a()));
            }
        });
        self.top += (size * 1.45) as u32;
        match self.top < ROWS * 2 {
            true => Ok(()),
            false => Err(FaxError::Page("the texts are too long for a page")),
        }
    }

    /// A text that is laid out in one line, and its width.
    fn shape(&mut self, size: f32, text: &str) -> Result<(Buffer, f32), FaxError> {
        if text.chars().any(char::is_control) {
            return Err(FaxError::Page("a text has a control character"));
        }
        let mut buffer = Buffer::new(&mut self.fonts, Metrics::new(size, size * 1.3));
        buffer.set_wrap(Wrap::None);
        buffer.set_size(None, None);
        let attributes = Attrs::new().family(Family::Name(TYPEFACE));
        buffer.set_text(text, &attributes, Shaping::Advanced, None);
        buffer.shape_until_scroll(&mut self.fonts, false);
        let mut width = 0f32;
        for run in buffer.layout_runs() {
            width = width.max(run.line_w);
            if run.glyphs.iter().any(|glyph| glyph.glyph_id == 0) {
                return Err(FaxError::Page("a text has a character that cannot be drawn"));
            }
        }
        Ok((buffer, width))
    }

    /// A line from side to side.
    fn rule(&mut self) {
        let row = (self.top / 2 + 8) * WIDTH;
        for x in MARGIN..WIDTH - MARGIN {
            for y in 0..2 {
                if let Some(pixel) = self.grey.get_mut((row + y * WIDTH + x) as usize) {
                    *pixel = u16::MAX;
                }
            }
        }
        self.top += 40;
    }

    fn page(self) -> Page {
        let byte = |pixels: &[u16]| {
            pixels.iter().fold(0u8, |byte, grey| byte << 1 | u8::from(*grey >= BLACK_FROM))
        };
        Page(Zeroizing::new(self.grey.chunks(8).map(byte).collect()))
    }
}
