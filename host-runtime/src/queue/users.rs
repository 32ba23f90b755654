//! Who uses the pairs of a card, so that whoever finds none free learns whom to ask.

use super::QueueOptions;
use crate::card_id::CardId;
use crate::{Error, Result};

/// Takes the first free place for the calling thread, and says which it is.
pub(crate) fn take_place(
    users: &mut [Option<String>],
    options: &QueueOptions,
    card: CardId,
) -> Result<usize> {
    let Some(index) = users.iter().position(Option::is_none) else {
        return Err(Error::NoFreePair {
            card,
            pairs: users.len(),
            users: describe(users),
        });
    };
    let thread = std::thread::current();
    let user = format!("thread {}", thread.name().unwrap_or("without a name"));
    users[index] = Some(match options.purpose.as_str() {
        "" => user,
        purpose => format!("{purpose} ({user})"),
    });
    Ok(index)
}

/// The users in a line, those of several pairs once.
fn describe(users: &[Option<String>]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for user in users.iter().flatten() {
        match counted.iter_mut().find(|(other, _)| other == user) {
            Some((_, count)) => *count += 1,
            None => counted.push((user, 1)),
        }
    }
    let texts: Vec<String> = counted
        .into_iter()
        .map(|(user, count)| match count {
            1 => user.to_owned(),
            count => format!("{user}: {count} of them"),
        })
        .collect();
    texts.join(", ")
}
