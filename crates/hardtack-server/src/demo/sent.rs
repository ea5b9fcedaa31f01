//! "Would it be sent?": asks the jar what browsers would do with cookies that the visitor makes up.
//! Nothing is set and nothing is kept; the whole question stands in the address.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use hardtack::cookie::Profile;
use hardtack::jar::{Target, TargetError};
use serde::Deserialize;

use super::App;
use super::failure::Failure;
use super::html::{Html, html};
use super::page::{Tab, page};
use super::visit::Visit;
use crate::explain::{Answer, Fate, How, Question, Reason, Request, Sent, Stored, explain};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/sent", get(show))
}

/// Browsers take longer lines and more of them, but nobody types those.
const MOST_LINES: usize = 12;

#[derive(Deserialize)]
#[serde(default)]
struct Form {
    set: String,
    url: String,
    send: String,
    how: String,
    from: String,
}

impl Default for Form {
    /// The case that everybody meets first.
    fn default() -> Form {
        Form {
            set: "sid=31d4; Secure; HttpOnly; SameSite=Lax".to_owned(),
            url: "https://shop.example/login".to_owned(),
            send: "http://shop.example/".to_owned(),
            how: "nav".to_owned(),
            from: String::new(),
        }
    }
}

impl Form {
    fn question(&self, visit: &Visit) -> Result<Question, String> {
        let url = address(&self.url, "The address that sets the cookie")?;
        let lines = self.set.lines().map(str::trim).filter(|line| !line.is_empty());
        let lines: Vec<Vec<u8>> = lines.map(|line| line.as_bytes().to_vec()).collect();
        if lines.is_empty() || lines.len() > MOST_LINES {
            return Err(format!(
                "Write at least one Set-Cookie, one a line, and at most {MOST_LINES}."
            ));
        }
        let how = How::named(&self.how).ok_or("Choose how the request comes about.")?;
        let mut next = Request::new(address(&self.send, "The address that is asked for")?, how);
        if !self.from.trim().is_empty() {
            next.from = Some(address(&self.from, "The page that starts the request")?);
        }
        let set = Request::new(url, How::Navigation);
        let mut question = Question::new(lines, set, visit.now());
        question.send = vec![next];
        Ok(question)
    }
}

fn address(text: &str, what: &str) -> Result<Target, String> {
    Target::parse(text.trim()).map_err(|error: TargetError| format!("{what}: {error}."))
}

async fn show(visit: Visit, Query(form): Query<Form>) -> Result<Response, Failure> {
    let answer = match form.question(&visit) {
        Ok(question) => {
            let answers = explain(&question, &Profile::ALL);
            answers.iter().map(|answer| card(answer, &question)).collect()
        }
        Err(error) => html!("<p class=\"notice bad\" role=\"alert\">{}</p>", error),
    };
    let main = html!(
        "<h1>Would it be sent?</h1>\
         <p class=\"lead\">A browser drops cookies without a word, and keeps others to itself. Make up \
         a cookie and a request, and see what each browser would do, and why. Nothing is set: a \
         model of the browsers answers, the one that was compared with them case by case.</p>{}\
         <div id=\"answer\">{}</div>",
        question_form(&form),
        answer
    );
    page(&visit, Tab::Sent, "Would it be sent?", main).await
}

fn question_form(form: &Form) -> Html {
    let hows: Html = How::ALL
        .iter()
        .map(|how| {
            if how.word() == form.how {
                html!("<option value=\"{}\" selected>{}</option>", how.word(), how.meaning())
            } else {
                html!("<option value=\"{}\">{}</option>", how.word(), how.meaning())
            }
        })
        .collect();
    html!(
        "<section class=\"card\"><form method=\"get\" action=\"/sent\">\
         <label>Set-Cookie, one a line<textarea name=\"set\" rows=\"2\" spellcheck=\"false\" \
         maxlength=\"8000\">{}</textarea></label>\
         <label>set by the answer to<input type=\"text\" name=\"url\" value=\"{}\" \
         maxlength=\"2000\" inputmode=\"url\"></label>\
         <label>Then this is asked for<input type=\"text\" name=\"send\" value=\"{}\" \
         maxlength=\"2000\" inputmode=\"url\"></label>\
         <label>because<select name=\"how\">{}</select></label>\
         <label>on the page <span class=\"quiet\">(empty: a page of the same address)</span>\
         <input type=\"text\" name=\"from\" value=\"{}\" maxlength=\"2000\" inputmode=\"url\"></label>\
         <button>Ask the browsers</button></form></section>",
        form.set,
        form.url,
        form.send,
        hows,
        form.from
    )
}

fn card(answer: &Answer, question: &Question) -> Html {
    let fates: Html = answer
        .fates
        .iter()
        .zip(&question.lines)
        .map(|(fate, line)| {
            html!(
                "<dt class=\"line\"><code>{}</code></dt><dd>{}</dd>",
                String::from_utf8_lossy(line).into_owned(),
                fate_of(fate)
            )
        })
        .collect();
    let header = match answer.headers.iter().flatten().next() {
        Some(header) => {
            html!("<code>Cookie: {}</code>", String::from_utf8_lossy(header).into_owned())
        }
        None => html!("no <code>Cookie</code> header"),
    };
    html!(
        "<section class=\"card\" data-profile=\"{}\"><h2>{}</h2><dl class=\"fates\">{}</dl>\
         <p class=\"why\">The request carries {}.</p></section>",
        answer.profile.name,
        capital(answer.profile.title),
        fates,
        header
    )
}

fn fate_of(fate: &Fate) -> Html {
    match &fate.stored {
        Stored::No { reasons, repaired } => {
            let reasons: Html = reasons
                .iter()
                .map(|reason| {
                    let mut reason = Reason::from(*reason);
                    reason.message = capital(&reason.message);
                    html!("<li>{}</li>", told(reason))
                })
                .collect();
            let repaired = repaired.as_ref().map(|line| {
                html!(
                    "<p>This would be stored: <code>{}</code></p>",
                    String::from_utf8_lossy(line).into_owned()
                )
            });
            html!("<b class=\"no\">Dropped.</b><ul>{}</ul>{}", reasons, repaired)
        }
        Stored::Removes => html!("<b>It removes</b> a cookie, as its time is over when it comes."),
        Stored::Yes => match fate.sent.first() {
            None | Some(Sent::Yes) => html!("<b class=\"yes\">Stored, and sent.</b>"),
            Some(Sent::Withheld(why)) => {
                html!("<b class=\"no\">Stored, but not sent:</b> {}", told(Reason::from(*why)))
            }
            Some(other) => {
                html!("<b class=\"no\">Stored, but not sent:</b> {}.", other.to_string())
            }
        },
    }
}

fn told(Reason { message, section, advice, .. }: Reason) -> Html {
    html!(
        "{}. <span class=\"quiet\">({})</span> {}",
        with_code(&message),
        section,
        with_code(advice)
    )
}

/// What stands between backticks, as code.
fn with_code(text: &str) -> Html {
    let parts = text.split('`').enumerate();
    parts
        .map(
            |(n, part)| if n % 2 == 1 { html!("<code>{}</code>", part) } else { html!("{}", part) },
        )
        .collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
