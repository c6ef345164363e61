//! Work on many items, divided among the processors. Knows nothing of what is done.

use evalset_model::{Error, Result};
use std::num::NonZero;
use std::sync::LazyLock;

/// Fewest items of a piece: less is not worth another thread.
const PIECE_ITEMS: usize = 64;

/// Asked once: the answer is read from files of the system.
static PROCESSORS: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));

/// Does `work` for each item, on as many blocking threads as there are processors; results come in the order of the
/// items.
pub async fn in_pieces<T, U>(mut items: Vec<T>, work: impl Fn(T) -> U + Clone + Send + 'static) -> Result<Vec<U>>
where
    T: Send + 'static,
    U: Send + 'static,
{
    let size = items.len().div_ceil(*PROCESSORS).max(PIECE_ITEMS);
    let mut pieces = Vec::new();
    while items.len() > size {
        let rest = items.split_off(size);
        pieces.push(std::mem::replace(&mut items, rest));
    }
    pieces.push(items);
    let begin = |piece: Vec<T>| {
        let work = work.clone();
        tokio::task::spawn_blocking(move || piece.into_iter().map(work).collect::<Vec<U>>())
    };
    let begun: Vec<_> = pieces.into_iter().map(begin).collect();
    let mut results = Vec::new();
    for piece in begun {
        results.extend(piece.await.map_err(Error::internal)?);
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_come_in_order() {
        for count in [0, 1, 63, 64, 65, 129, 1_000] {
            let doubled = in_pieces((0..count).collect(), |number| number * 2).await.unwrap();
            assert_eq!(doubled, (0..count).map(|number| number * 2).collect::<Vec<_>>());
        }
    }
}
