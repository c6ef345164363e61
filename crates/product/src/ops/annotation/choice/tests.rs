//! The row at an offset while others take rows from the front.

use super::near;
use evalset_model::page::Page;
use std::cell::Cell;

/// `near`, where each page finds as many rows as `totals` says, the last one from then on; the row and the pages asked.
async fn found(offset: u64, totals: &[u64]) -> (Option<u64>, usize) {
    let asked = Cell::new(0);
    let row = near(offset, |offset| {
        let total = totals[asked.get().min(totals.len() - 1)];
        asked.set(asked.get() + 1);
        std::future::ready(Ok(Page { rows: (0..total).skip(offset as usize).take(1).collect(), total }))
    });
    (row.await.unwrap(), asked.get())
}

#[tokio::test]
async fn a_row_is_found_as_long_as_one_is_left() {
    assert_eq!(found(5, &[9]).await, (Some(5), 1));
    assert_eq!(found(5, &[3]).await, (Some(2), 2), "fewer rows than the choice was spread over");
    // Two annotators between two pages: the row that the second page was asked for is gone as well.
    assert_eq!(found(5, &[3, 2]).await, (Some(0), 3));
    assert_eq!(found(900, &[800, 99, 98]).await, (Some(1), 3));
    assert_eq!(found(5, &[0]).await, (None, 1));
    assert_eq!(found(5, &[3, 0]).await, (None, 2));
}
