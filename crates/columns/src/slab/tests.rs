//! Values that are written where they lie in a file.

use super::*;
use std::cell::{RefCell, UnsafeCell};

/// A mapping of words, which may be one that cannot be written to. Notes what is written.
struct Words {
    values: UnsafeCell<Vec<u64>>,
    writable: bool,
    written: RefCell<Vec<(usize, usize)>>,
}

// SAFETY: bytes are written only where nobody has a reference, as `Backing::write` demands.
#[expect(unsafe_code, reason = "stands for memory that is written beside references to other bytes of it")]
unsafe impl Sync for Words {}

#[expect(unsafe_code, reason = "stands for memory that is written beside references to other bytes of it")]
impl Backing for Words {
    fn id(&self) -> u64 {
        1
    }

    fn checksum(&self) -> u64 {
        1
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: who writes to some of the bytes knows of no reference to those.
        bytemuck::cast_slice(unsafe { &*self.values.get() })
    }

    unsafe fn write(&self, at: usize, bytes: &[u8]) -> bool {
        if self.writable {
            self.written.borrow_mut().push((at, bytes.len()));
            // SAFETY: the words are there, and nobody has a reference to these bytes.
            unsafe {
                let words = (*self.values.get()).as_mut_ptr().cast::<u8>();
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), words.add(at), bytes.len());
            }
        }
        self.writable
    }
}

fn words(writable: bool) -> (Arc<Words>, Arc<dyn Backing>) {
    let words = Arc::new(Words { values: vec![0; 8].into(), writable, written: RefCell::default() });
    (words.clone(), words)
}

#[test]
fn a_value_in_a_file_is_written_there() {
    let (words, backing) = words(true);
    let mut first = Slab::<u16>::mapped(&backing, 8, 4).unwrap();
    let mut second = Slab::<u64>::mapped(&backing, 16, 2).unwrap();
    assert!(Slab::<u64>::mapped(&backing, 16, 7).is_none() && Slab::<u64>::mapped(&backing, 4, 1).is_none());
    first.put(3, 700, 0);
    first.put(0, 0, 9);
    second.put_bit(65, true);
    second.put_bit(65, true);
    second.put_bit(66, false);
    assert_eq!((&*first, &*second), (&[0, 0, 0, 700][..], &[0, 2][..]));
    assert_eq!((first.memory_bytes(), second.memory_bytes()), (0, 0));
    assert_eq!(*words.written.borrow(), [(14, 2), (24, 8)], "a value that is there already is not written");
    // What does not fit there moves to memory, and is written there from then on.
    first.put(5, 3, 8);
    first.put(1, 4, 8);
    assert_eq!(&*first, [0, 4, 0, 700, 8, 3]);
    assert!(first.memory_bytes() >= 12 && words.written.borrow().len() == 2);
    second.put_bit(65, false);
    second.put_bit(128, true);
    assert_eq!(&*second, [0, 0, 1]);
}

#[test]
fn a_file_that_cannot_be_written_to_gives_up_its_values() {
    let (_, backing) = words(false);
    let mut slab = Slab::<f64>::mapped(&backing, 0, 8).unwrap();
    slab.put(2, 1.5, f64::NAN);
    slab.put(0, -0.0, f64::NAN);
    assert_eq!((slab[2], slab[0].is_sign_negative(), slab.len()), (1.5, true, 8));
    assert!(slab.memory_bytes() >= 64);
    assert!(backing.bytes().iter().all(|byte| *byte == 0));
}
