/// How far a long transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Objects of the server's that have come, of so many, in so many bytes.
    Receiving {
        /// Come so far.
        objects: usize,
        /// To come in all.
        of: usize,
        /// Bytes come so far.
        bytes: usize,
    },
    /// Objects that have been looked at for a push, of so many.
    Packing {
        /// So far.
        objects: usize,
        /// In all; 0 while they are still being counted.
        of: usize,
    },
    /// Bytes of a push that have been sent, of so many.
    Sending {
        /// So far.
        bytes: u64,
        /// In all.
        of: u64,
    },
    /// A line for the person from the server, fit for a terminal.
    Server(&'a str),
}
