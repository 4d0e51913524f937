//! Parts of a workbook that the library does not write: its language, and the cell style of its titles.
//!
//! Readers of screens find a sheet's heading by the style "Heading 1". The library has no styles of cells but those of plain text and of
//! links, so that the style is written into its file of styles: there the titles have the only font of their size.

use std::io::{Cursor, Read, Write};

use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::FormatError;

const CORE: &str = "docProps/core.xml";
const STYLES: &str = "xl/styles.xml";

/// The number of "Heading 1" among Excel's own styles (ECMA-376, part 1, 18.8.7).
const HEADING_1: u32 = 16;

/// The same workbook with both. `title_size` is the size of the titles' font in points: no other font has it.
pub(crate) fn completed(workbook: &[u8], title_size: u32) -> Result<Vec<u8>, FormatError> {
    let mut archive = ZipArchive::new(Cursor::new(workbook))?;
    let mut whole = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut part = archive.by_index(at)?;
        let name = part.name()?.to_string();
        if name != CORE && name != STYLES {
            whole.raw_copy_file(part)?;
            continue;
        }
        let mut text = String::new();
        part.read_to_string(&mut text)?;
        let text = match name == CORE {
            true => with_language(&text),
            false => with_headings(&text, title_size),
        };
        let text = text.ok_or(FormatError::WorkbookPart)?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default());
        whole.start_file(name, options)?;
        whole.write_all(text.as_bytes())?;
    }
    Ok(whole.finish()?.into_inner())
}

fn with_language(core: &str) -> Option<String> {
    const END: &str = "</cp:coreProperties>";
    let properties = core.trim_end().strip_suffix(END)?;
    Some(format!("{properties}<dc:language>en-GB</dc:language>{END}"))
}

/// The styles with one more, which each format with the titles' font is of.
fn with_headings(styles: &str, title_size: u32) -> Option<String> {
    let size = format!("<sz val=\"{title_size}\"/>");
    let fonts = element(styles, "fonts")?;
    let mut fonts = fonts.split("<font>").skip(1).enumerate();
    let (font, _) = fonts.find(|(_, font)| font.contains(&size))?;
    let font = format!("fontId=\"{font}\"");

    let (before, base, after) = parts(styles, "cellStyleXfs")?;
    let number = base.matches("<xf ").count();
    let heading = format!("<xf numFmtId=\"0\" {font} fillId=\"0\" borderId=\"0\"/>");
    let styles = format!(
        "{before}<cellStyleXfs count=\"{}\">{base}{heading}</cellStyleXfs>{after}",
        number + 1
    );

    let (before, formats, after) = parts(&styles, "cellXfs")?;
    let count = formats.matches("<xf ").count();
    let of_style = |format: &str| match format.contains(&font) {
        true => format.replacen("xfId=\"0\"", &format!("xfId=\"{number}\""), 1),
        false => format.to_owned(),
    };
    let formats: Vec<String> = formats.split("<xf ").map(of_style).collect();
    let formats = formats.join("<xf ");
    if !formats.contains(&format!("xfId=\"{number}\"")) {
        return None;
    }
    let styles = format!("{before}<cellXfs count=\"{count}\">{formats}</cellXfs>{after}");

    let (before, named, after) = parts(&styles, "cellStyles")?;
    let count = named.matches("<cellStyle ").count() + 1;
    let heading =
        format!("<cellStyle name=\"Heading 1\" xfId=\"{number}\" builtinId=\"{HEADING_1}\"/>");
    Some(format!("{before}<cellStyles count=\"{count}\">{heading}{named}</cellStyles>{after}"))
}

/// The text inside an element that stands once.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    parts(text, name).map(|(_, inside, _)| inside)
}

/// The text before an element that stands once, inside it and behind it.
fn parts<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = text.split_once(&format!("<{name} "))?;
    let (_, rest) = rest.split_once('>')?;
    let (inside, after) = rest.split_once(&format!("</{name}>"))?;
    Some((before, inside, after))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    const STYLED: &str = "<styleSheet><fonts count=\"2\"><font><sz val=\"12\"/></font><font><b/><sz val=\"16\"/></font></fonts>\
        <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\"/></cellStyleXfs>\
        <cellXfs count=\"2\"><xf fontId=\"0\" xfId=\"0\"/><xf fontId=\"1\" xfId=\"0\" applyFont=\"1\"/></cellXfs>\
        <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>";

    #[test]
    fn titles_alone_are_of_the_style_of_headings() {
        let styles = with_headings(STYLED, 16).unwrap();
        assert!(styles.contains("<cellStyleXfs count=\"2\">"), "{styles}");
        assert!(styles.contains("<xf fontId=\"0\" xfId=\"0\"/>"), "{styles}");
        assert!(styles.contains("<xf fontId=\"1\" xfId=\"1\" applyFont=\"1\"/>"), "{styles}");
        let named =
            "<cellStyles count=\"2\"><cellStyle name=\"Heading 1\" xfId=\"1\" builtinId=\"16\"/>";
        assert!(styles.contains(named), "{styles}");
    }

    #[test]
    fn styles_of_another_form_are_no_workbook() {
        assert_eq!(with_headings(STYLED, 17), None);
        assert_eq!(with_headings(&STYLED.replace("cellStyles", "styles"), 16), None);
        assert_eq!(with_headings(&STYLED.replace("fontId=\"1\"", "fontId=\"0\""), 16), None);
        assert_eq!(with_language("<cp:coreProperties>"), None);
    }
}
