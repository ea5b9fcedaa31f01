//! Answers for programs.

use serde::Serialize;

use super::{Answer, Fate, Question, Reason, Sent, Stored};

/// A question and its answers, as JSON. Cookies are text, a byte that is not UTF-8 as U+FFFD.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    url: String,
    context: &'static str,
    from: Option<String>,
    now_ms: u64,
    /// Whether every cookie is stored and sent in every profile.
    all_sent: bool,
    cookies: Vec<CookieReport>,
    headers: Vec<HeaderReport>,
}

#[derive(Debug, Serialize)]
struct CookieReport {
    set_cookie: String,
    profiles: Vec<ProfileReport>,
}

#[derive(Debug, Serialize)]
struct ProfileReport {
    profile: &'static str,
    title: &'static str,
    stored: bool,
    /// `stored`, `removes` or `dropped`.
    outcome: &'static str,
    reasons: Vec<Reason>,
    /// The line as it would be stored.
    repaired: Option<String>,
    requests: Vec<RequestReport>,
}

#[derive(Debug, Serialize)]
struct RequestReport {
    url: String,
    sent: bool,
    /// Why not, as a sentence.
    message: Option<String>,
    section: Option<&'static str>,
    advice: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct HeaderReport {
    profile: &'static str,
    url: String,
    cookie: Option<String>,
}

impl Report {
    /// Of these answers to the question. `shown` turns a line or a header into what may be seen of
    /// it.
    pub fn new(question: &Question, answers: &[Answer], shown: impl Fn(&[u8]) -> String) -> Report {
        let context = question.send.first().unwrap_or(&question.set);
        let cookies = question.lines.iter().enumerate().map(|(at, line)| CookieReport {
            set_cookie: shown(line),
            profiles: answers
                .iter()
                .filter_map(|answer| {
                    Some(ProfileReport::new(question, answer, answer.fates.get(at)?, &shown))
                })
                .collect(),
        });
        let headers = answers.iter().flat_map(|answer| {
            question.send.iter().zip(&answer.headers).map(|(request, header)| HeaderReport {
                profile: answer.profile.name,
                url: request.url.to_string(),
                cookie: header.as_deref().map(&shown),
            })
        });
        Report {
            url: question.set.url.to_string(),
            context: context.how.word(),
            from: context.from.as_ref().map(ToString::to_string),
            now_ms: question.now.as_millis(),
            all_sent: answers.iter().all(Answer::is_all_sent),
            cookies: cookies.collect(),
            headers: headers.collect(),
        }
    }
}

impl ProfileReport {
    fn new(
        question: &Question,
        answer: &Answer,
        fate: &Fate,
        shown: &impl Fn(&[u8]) -> String,
    ) -> ProfileReport {
        let (outcome, reasons, repaired) = match &fate.stored {
            Stored::Yes => ("stored", &[][..], None),
            Stored::Removes => ("removes", &[][..], None),
            Stored::No { reasons, repaired } => ("dropped", &reasons[..], repaired.as_deref()),
        };
        let requests = question.send.iter().zip(&fate.sent).map(|(request, sent)| {
            let withheld = match sent {
                Sent::Withheld(withheld) => Some(withheld),
                _ => None,
            };
            RequestReport {
                url: request.url.to_string(),
                sent: *sent == Sent::Yes,
                message: (*sent != Sent::Yes).then(|| sent.to_string()),
                section: withheld.map(|withheld| withheld.section()),
                advice: withheld.map(|withheld| withheld.advice()),
            }
        });
        ProfileReport {
            profile: answer.profile.name,
            title: answer.profile.title,
            stored: fate.stored == Stored::Yes,
            outcome,
            reasons: reasons.iter().copied().map(Reason::from).collect(),
            repaired: repaired.map(shown),
            requests: requests.collect(),
        }
    }
}
