//! Length and checksums of a file, from its pieces.

/// Bytes of a block with its own checksum, which locates damage.
pub(super) const BLOCK_BYTES: usize = 4096;

/// Length and checksums of a file.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) bytes: u64,
    /// The CRC-32C of each block, the last of which may be incomplete; none if only a beginning is wanted.
    pub(super) blocks: Vec<u32>,
    /// The CRC-32C of the beginning.
    pub(super) beginning: u32,
    limit: Option<u64>,
}

impl Sums {
    /// The sums of a file's blocks, or of its first `limit` bytes.
    pub(super) fn new(limit: Option<u64>) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Adds the next piece of the file.
    pub(super) fn add(&mut self, mut piece: &[u8]) {
        if let Some(limit) = self.limit {
            let left = limit.saturating_sub(self.bytes).min(piece.len() as u64);
            self.beginning = crc32c::crc32c_append(self.beginning, &piece[..left as usize]);
            self.bytes += piece.len() as u64;
            return;
        }
        while !piece.is_empty() {
            let within = (self.bytes % BLOCK_BYTES as u64) as usize;
            let (head, rest) = piece.split_at(piece.len().min(BLOCK_BYTES - within));
            let before = if within == 0 { 0 } else { self.blocks.pop().unwrap_or_default() };
            self.blocks.push(crc32c::crc32c_append(before, head));
            self.bytes += head.len() as u64;
            piece = rest;
        }
    }
}
