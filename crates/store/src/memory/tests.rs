//! The memory store has to pass the suite like any other: an oracle that is wrong is none.

use crate::Stores;

async fn subject() -> (Stores, ()) {
    (super::open(), ())
}

mod conforms {
    crate::conformance::suite!(crate::memory::tests::subject);
}
