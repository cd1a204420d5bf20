//! Fields of protocol buffers' wire format.

/// Appends a length-delimited field.
pub(super) fn push_bytes(payload: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    payload.push(field << 3 | 2);
    push_varint(payload, bytes.len() as u64);
    payload.extend_from_slice(bytes);
}

/// Appends a number in the variable-length form.
pub(super) fn push_varint(payload: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        payload.push(value as u8 | 0x80);
        value >>= 7;
    }
    payload.push(value as u8);
}

/// Appends a number field.
pub(super) fn push_number(payload: &mut Vec<u8>, field: u8, value: u64) {
    payload.push(field << 3);
    push_varint(payload, value);
}

/// Appends a field in double precision.
pub(super) fn push_double(payload: &mut Vec<u8>, field: u8, value: f64) {
    payload.push(field << 3 | 1);
    payload.extend(value.to_le_bytes());
}
