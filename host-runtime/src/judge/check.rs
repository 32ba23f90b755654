//! Checking the checksums of a block: plane after plane is taken in as it is transposed, so that the one is computed
//! while the next is moved.

use std::marker::PhantomData;

use super::lanes::{Lanes, Map};
use super::linear::{Linear, VARIABLE};

/// A checksum of each descriptor of a block.
pub(super) trait Check<V: Lanes>: Copy {
    /// Takes in byte `byte` of the descriptors.
    fn take(&mut self, byte: usize, plane: V);
    /// Where the checksum has these bytes.
    fn is(self, high: V, low: V) -> V::Mask;
}

/// A CRC, evaluated as `M` does it.
pub(super) struct Crc<V, M> {
    linear: &'static Linear,
    low: V,
    high: V,
    map: PhantomData<M>,
}

impl<V: Copy, M> Copy for Crc<V, M> {}

impl<V: Copy, M> Clone for Crc<V, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V: Lanes, M> Crc<V, M> {
    /// Before the first byte; `constant` is the header's part.
    #[inline(always)]
    pub(super) fn new(linear: &'static Linear, constant: u16) -> Self {
        let [high, low] = constant.to_be_bytes();
        Self {
            linear,
            low: V::splat(low),
            high: V::splat(high),
            map: PhantomData,
        }
    }
}

impl<V: Lanes, M: Map<V>> Check<V> for Crc<V, M> {
    #[inline(always)]
    fn take(&mut self, byte: usize, plane: V) {
        let (low, high) = M::apply(self.linear, byte - VARIABLE.start, plane);
        self.low = self.low.xor(low);
        self.high = self.high.xor(high);
    }

    #[inline(always)]
    fn is(self, high: V, low: V) -> V::Mask {
        V::both(self.low.eq(low), self.high.eq(high))
    }
}

/// The sum of all bytes.
#[derive(Clone, Copy)]
pub(super) struct ByteSum<V>([V; 2]);

impl<V: Lanes> ByteSum<V> {
    /// Before the first byte; `constant` is the header's part, whose six bytes add up to less than a byte holds.
    #[inline(always)]
    pub(super) fn new(constant: u16) -> Self {
        Self(V::add([V::splat(0); 2], V::splat(constant as u8)))
    }
}

impl<V: Lanes> Check<V> for ByteSum<V> {
    #[inline(always)]
    fn take(&mut self, _: usize, plane: V) {
        self.0 = V::add(self.0, plane);
    }

    #[inline(always)]
    fn is(self, high: V, low: V) -> V::Mask {
        let (sum_low, sum_high) = V::sum(self.0);
        V::both(sum_low.eq(low), sum_high.eq(high))
    }
}
