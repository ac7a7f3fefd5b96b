use super::Uploads;
use crate::fair::Source;
use crate::prelude::*;
use crate::service::Incoming;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        let place = std::env::temp_dir().join(format!("wingbeat-uploads-{}", crate::store::uuid()));
        fs::create_dir(&place).unwrap();
        Place(place)
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != ".lock").collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn app(place: &Place) -> App {
    App::builder().mount("files", Uploads::to(&place.0)).build().unwrap()
}

const ID: &str = "0196a3c4-0000-7000-8000-00000000000a";
const OTHER: &str = "0196a3c4-0000-7000-8000-00000000000b";

#[tokio::test]
async fn what_was_not_whole_is_swept_at_start_and_nothing_else() {
    let place = Place::new();
    let write = |name: &str, text: &str| fs::write(place.0.join(name), text).unwrap();
    write(&format!("{ID}.blob"), "whole");
    write(&format!("{ID}.json"), &format!(r#"{{"id":"{ID}","type":"text/plain"}}"#));
    write(&format!("{OTHER}.blob"), "without a record");
    write(&format!("{OTHER}.part"), "half");
    write(&format!("{OTHER}.json.part"), "{");
    write("notes.blob", "of somebody else");
    let app = app(&place);
    app.setup().await.unwrap();
    assert_eq!(place.names(), [format!("{ID}.blob"), format!("{ID}.json"), "notes.blob".to_owned()]);
    let found = app.service("files").find(Params::new()).await.unwrap().into_value().unwrap();
    assert_eq!((found[0]["id"].as_str(), found.as_array().unwrap().len()), (Some(ID), 1));
}

#[tokio::test]
async fn a_record_without_a_file_or_sense_is_left_out() {
    let place = Place::new();
    fs::write(place.0.join(format!("{ID}.json")), "{}").unwrap();
    fs::write(place.0.join(format!("{OTHER}.json")), "{").unwrap();
    fs::write(place.0.join(format!("{OTHER}.blob")), "x").unwrap();
    let app = app(&place);
    app.setup().await.unwrap();
    assert!(
        app.service("files").find(Params::new()).await.unwrap().into_value().unwrap().as_array().unwrap().is_empty()
    );
}

#[tokio::test]
async fn a_folder_belongs_to_one_service_at_a_time() {
    let place = Place::new();
    let (first, second) = (app(&place), app(&place));
    first.setup().await.unwrap();
    let error = second.setup().await.unwrap_err();
    assert!(error.message().contains("in use already"), "{error}");
    first.shutdown(Duration::from_secs(1)).await;
    second.setup().await.unwrap();
}

/// A file of which one byte has come.
fn endless() -> Params {
    let mut params = Params::new();
    let bytes = stream::once(async { Ok(Bytes::from_static(b"x")) }).chain(stream::pending());
    params.set_extension(Incoming::now(bytes, None));
    params
}

#[tokio::test]
async fn a_shutdown_breaks_off_what_comes_before_it_gives_the_folder_back() {
    for patience in [Duration::from_secs(10), Duration::ZERO] {
        let place = Place::new();
        let (first, second) = (app(&place), app(&place));
        first.setup().await.unwrap();
        let files = first.service("files");
        let creating = async {
            let refused = files.create(serde_json::json!({}), endless()).await.unwrap_err();
            assert_eq!((refused.code(), place.names()), (503, Vec::new()), "{refused}");
        };
        let ending = async {
            // Polled after the other one, so that has begun.
            while place.names().is_empty() {
                tokio::task::yield_now().await;
            }
            first.shutdown(patience).await;
            assert!(place.names().is_empty());
            second.setup().await.unwrap();
        };
        tokio::join!(creating, ending);
    }
}

#[tokio::test]
async fn a_folder_is_not_given_back_before_work_in_it_ends() {
    let place = Place::new();
    let uploads = Uploads::to(&place.0);
    let state = uploads.state.clone();
    let (first, second) = (App::builder().mount("files", uploads).build().unwrap(), app(&place));
    first.setup().await.unwrap();
    let working = crate::locked(&state.open).as_ref().unwrap().working();
    first.shutdown(Duration::ZERO).await;
    let error = second.setup().await.unwrap_err();
    assert!(error.message().contains("in use already"), "{error}");
    drop(working);
    second.setup().await.unwrap();
}

#[tokio::test]
async fn a_create_without_a_file_says_how_to_send_one() {
    let place = Place::new();
    let app = app(&place);
    app.setup().await.unwrap();
    let data = serde_json::json!({"name": "a"});
    let error = app.service("files").create(data, Params::new()).await.unwrap_err();
    assert_eq!(error.code(), 400);
    assert!(error.message().contains("ticket"));
}

#[test]
fn a_type_that_is_none_fails_the_mount() {
    let uploads = Uploads::to("/tmp/x").types(["png"]);
    assert!(App::builder().mount("files", uploads).build().unwrap_err().message().contains("'png'"));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_place_for_ever() {
    let place = Place::new();
    let uploads = Uploads::to(&place.0);
    let running = uploads.state.running.clone();
    let app = App::builder().mount("files", uploads).build().unwrap();
    app.setup().await.unwrap();
    let mut places = Vec::new();
    for number in 0..u64::try_from(super::AT_A_TIME).unwrap() {
        let address = u32::try_from(number).unwrap().to_be_bytes();
        places.extend(running.try_enter(Source::client(Some(address.into()), Some(number))));
    }
    let mut params = Params::new();
    params.set_extension(Incoming::now(stream::empty(), None));
    let refused = app.service("files").create(serde_json::json!({}), params).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (503, "Too many files are on their way, try again later"));
}
