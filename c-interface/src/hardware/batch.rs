//! Where the answers to a batch go. They hold their fail-closed values before anything is done, and again if it is not done
//! to the end, be it by an error or a panic.

use bytemuck::Zeroable;
use host_runtime::tcp::{Detail, Tally, Verdict};

use super::evaluate::{tcp_descriptor_t, tcp_result_t, tcp_tally_t};
use crate::arguments::{self, Out};
use crate::device::Wanted;
use crate::failure::{Failure, Result};

/// The outputs of a batch.
pub(super) struct BatchAnswers<'a> {
    verdicts: Option<&'a mut [Verdict]>,
    results: Option<&'a mut [tcp_result_t]>,
    tally: Option<Out<tcp_tally_t>>,
    kept: bool,
}

impl<'a> BatchAnswers<'a> {
    /// Outputs that may each be null, for `count` answers to descriptors that lie elsewhere.
    ///
    /// # Safety
    /// Those that are not null may be written, and nobody else touches them in `'a`.
    pub(super) unsafe fn new(
        verdicts: *mut u8,
        results: *mut tcp_result_t,
        tally: *mut tcp_tally_t,
        (descriptors, count): (*const tcp_descriptor_t, usize),
    ) -> Result<Self> {
        let length = |is_null: bool| if is_null { 0 } else { count };
        let (bytes, words) = (length(verdicts.is_null()), length(results.is_null()));
        // A count that no batch has is no measure for anything.
        arguments::check_length::<tcp_descriptor_t>(count, "descriptors")?;
        // SAFETY: as the caller promised.
        let out = unsafe {
            arguments::fill(verdicts, bytes, 0);
            arguments::fill(results, words, tcp_result_t::NOT_JUDGED);
            Out::optional(tally, tcp_tally_t::zeroed())
        };
        if verdicts.is_null() && results.is_null() && out.is_none() {
            return Err(Failure::argument(
                "verdicts",
                "is NULL, and so are results and tally; name one of them",
            ));
        }
        let named = usize::from(out.is_some());
        arguments::check_apart(&[
            (
                "descriptors",
                arguments::check_array(descriptors, count, "descriptors")?,
            ),
            (
                "verdicts",
                arguments::check_array(verdicts, bytes, "verdicts")?,
            ),
            (
                "results",
                arguments::check_array(results, words, "results")?,
            ),
            ("tally", arguments::check_array(tally, named, "tally")?),
        ])?;
        // SAFETY: as the caller promised, and they lie apart from each other.
        let (verdicts, results) = unsafe {
            (
                (!verdicts.is_null())
                    .then(|| arguments::slice_mut(verdicts.cast(), count, "verdicts"))
                    .transpose()?,
                (!results.is_null())
                    .then(|| arguments::slice_mut(results, count, "results"))
                    .transpose()?,
            )
        };
        Ok(Self {
            verdicts,
            results,
            tally: out,
            kept: false,
        })
    }
}

impl BatchAnswers<'_> {
    /// Has a judge give the answers.
    pub(super) fn take_from(
        mut self,
        judge: impl FnOnce(Wanted<'_>) -> Result<Tally>,
    ) -> Result<()> {
        let tally = match (&mut self.verdicts, &mut self.results) {
            (Some(verdicts), None) => judge(Wanted::Verdicts(verdicts)),
            (verdicts, results) => judge(Wanted::Details(&mut |first, details: &[Detail]| {
                for (index, detail) in (first..).zip(details) {
                    if let Some(verdicts) = verdicts {
                        verdicts[index] = detail.verdict();
                    }
                    if let Some(results) = results {
                        results[index] = (*detail).into();
                    }
                }
            })),
        }?;
        if let Some(out) = &self.tally {
            out.set(tally.into());
        }
        self.kept = true;
        Ok(())
    }
}

impl Drop for BatchAnswers<'_> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Some(verdicts) = &mut self.verdicts {
            verdicts.fill(Verdict::MALFORMED);
        }
        if let Some(results) = &mut self.results {
            results.fill(tcp_result_t::NOT_JUDGED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_judged_before_a_failure_or_a_panic_is_taken_back() {
        let descriptors = [tcp_descriptor_t::zeroed(); 3];
        let ends: [fn() -> Result<Tally>; 2] = [
            || Err(Failure::argument("count", "is odd")),
            || panic!("lost"),
        ];
        for end in ends {
            let (mut verdicts, mut results) = ([9; 3], [tcp_result_t::zeroed(); 3]);
            let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let named = (descriptors.as_ptr(), descriptors.len());
                // SAFETY: arrays of that length.
                let answers = unsafe {
                    BatchAnswers::new(
                        verdicts.as_mut_ptr(),
                        results.as_mut_ptr(),
                        std::ptr::null_mut(),
                        named,
                    )
                };
                answers.unwrap().take_from(|wanted| {
                    let Wanted::Details(sink) = wanted else {
                        unreachable!("results need detail words")
                    };
                    sink(0, &[Detail([1, 0, 0, 0]); 2]);
                    end()
                })
            }));
            assert!(!matches!(judged, Ok(Ok(()))));
            assert_eq!(verdicts, [0; 3]);
            assert_eq!(results, [tcp_result_t::NOT_JUDGED; 3]);
        }
    }
}
