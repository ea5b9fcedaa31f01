//! Temporary.
#[derive(Debug)]
pub struct EntropyError;
pub(crate) fn fill(b: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(b).map_err(|_| EntropyError)
}
