//! The memory store has to pass the suite like any other: an oracle that is wrong is none.

use crate::Stores;

fn subject() -> std::future::Ready<(Stores, ())> {
    std::future::ready((super::open(), ()))
}

mod conforms {
    crate::conformance::suite!(crate::memory::tests::subject);
}
