//! Content that is not read, by its first bytes, with the advice what to do instead.

/// The first bytes of formats, and their advice.
const KNOWN: [(&[u8], &str); 13] = [
    (b"\xff\xfe\0\0", "its text is UTF-32; save it as UTF-8"),
    (b"\0\0\xfe\xff", "its text is UTF-32; save it as UTF-8"),
    (b"\xff\xfe", "its text is UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "its text is UTF-16; save it as UTF-8"),
    (b"\x89HDF\r\n\x1a\n", "it is an HDF5 file; save its arrays as .npz, or its table as CSV or Parquet"),
    (b"\xd0\xcf\x11\xe0", "it is a file of an old office program; save its table as CSV"),
    (b"\xff\xd8\xff", "it is a JPEG picture; give a folder of PNG pictures with a folder for each class"),
    (b"\x89PNG", "it is a single picture; give a folder of PNG pictures with a folder for each class"),
    (b"%PDF", "it is a PDF document; save its table as CSV"),
    (b"SQLite format 3", "it is an SQLite database; save a table of it as CSV"),
    (b"BZh", "it is compressed with bzip2; unpack it, or compress it with gzip"),
    (b"\xfd7zXZ", "it is compressed with xz; unpack it, or compress it with gzip"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd; unpack it, or compress it with gzip"),
];

/// Says what content that begins so is, and what to do, if it is one of the usual that are not read.
pub(super) fn advice(head: &[u8]) -> Option<&'static str> {
    if let Some((_, advice)) = KNOWN.iter().find(|(first, _)| head.starts_with(first)) {
        return Some(advice);
    }
    let has = |text: &[u8]| head.windows(text.len()).any(|window| window == text);
    if head.starts_with(b"PK\x03\x04") && !has(b".npy") {
        return Some(if has(b"data.pkl") || has(b"/version") {
            "it is a file of PyTorch; export a model to ONNX (torch.onnx.export), and save arrays with numpy.savez"
        } else if has(b"[Content_Types].xml") || has(b"opendocument.spreadsheet") {
            "it is a spreadsheet; save it as CSV"
        } else {
            "it is a zip archive; unpack it"
        });
    }
    // A pickle of protocol 2 to 5 ends its first opcode with the protocol.
    if matches!(head, [0x80, 2..=5, ..]) {
        return Some(
            "it is a Python pickle, which is not read; save a table as CSV, and arrays with numpy.savez",
        );
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some("it is a tar archive; unpack it");
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    match text.first() {
        None => Some("it is empty"),
        Some(b'<') => {
            Some("it is HTML or XML, perhaps a page in place of the file; get the file itself as CSV")
        }
        Some(b'[') if is_array_of_values(text) => Some(
            "it is a JSON array without objects; write an object for each row, {\"x\": 1, \"label\": \"a\"}",
        ),
        _ if is_text_with_zeros(text) => {
            let zeros = |first: usize| text.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
            // Half of a wide text, at the even or the odd places.
            let is_wide = 3 * zeros(0).max(zeros(1)) > text.len();
            Some(if is_wide {
                "its text is UTF-16 or UTF-32; save it as UTF-8"
            } else {
                "its text has zero bytes, as if it had been cut or overwritten; save it again, as UTF-8"
            })
        }
        _ => None,
    }
}

/// Returns true for the beginning of a JSON array of numbers, texts or arrays.
fn is_array_of_values(text: &[u8]) -> bool {
    let first = text.get(1..).map_or(b"".as_slice(), <[u8]>::trim_ascii_start).first();
    first.is_some_and(|byte| matches!(byte, b'[' | b']' | b'"' | b'-' | b'0'..=b'9'))
}

/// Returns true if some bytes are zero and all others those of plain text.
fn is_text_with_zeros(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| matches!(byte, 0 | b' '..=126 | b'\r' | b'\n' | b'\t');
    text.contains(&0) && !text.starts_with(&[0, 0]) && text.iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_files_are_told() {
        let check = |head: &[u8], expected: Option<&str>| {
            let found = advice(head);
            assert!(
                match expected {
                    Some(part) => found.is_some_and(|advice| advice.contains(part)),
                    None => found.is_none(),
                },
                "{head:?}: {found:?}"
            );
        };
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        check(b"\xff\xfea\0,\0b\0", Some("UTF-16; save it as UTF-8"));
        check(b"\xff\xfe\0\0a\0\0\0", Some("is UTF-32;"));
        check(&wide("a,b\n1,2\n"), Some("UTF-16 or UTF-32; save it as UTF-8"));
        check(b"a,b\n1,2\n\0,3\n", Some("has zero bytes"));
        check(&wide(&"a,b\n1,2\n".repeat(20)), Some("UTF-16 or UTF-32; save it as UTF-8"));
        check(b"PK\x03\x04............archive/data.pkl", Some("torch.onnx.export"));
        check(b"PK\x03\x04............[Content_Types].xml", Some("spreadsheet; save it as CSV"));
        check(b"PK\x03\x04............notes.txt", Some("zip archive; unpack it"));
        check(b"PK\x03\x04............x.npy", None);
        check(b"\x80\x04\x95", Some("pickle"));
        check(b"\x89PNG\r\n", Some("a single picture"));
        check(b"\n\r\n  \n", Some("it is empty"));
        check(b"[1,2]", Some("a JSON array without objects"));
        check(b"[ [1, 2], [3, 4]]", Some("a JSON array without objects"));
        check(b"[{\"a\": 1}]", None);
        check(b"\xef\xbb\xbf", Some("it is empty"));
        check(b"<!DOCTYPE html>", Some("HTML"));
        let mut tar = vec![b'a'; 600];
        tar[257..262].copy_from_slice(b"ustar");
        check(&tar, Some("tar archive"));
        for data in
            [&b"a,b\n1,2\n"[..], b"{\"a\": 1}\n", b"\x93NUMPY\x01\0", b"PAR1", b"\0\0\x08\x03\0\0", b"x\n"]
        {
            check(data, None);
        }
    }
}
