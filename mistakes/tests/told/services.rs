use serde::{Deserialize, Serialize};
use wingbeat::prelude::*;

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Deserialize)]
struct NewMessage {
    text: String,
}

struct Messages;

impl Service for Messages {
    type Item = Message;
    type Data = NewMessage;
    type Patch = NewMessage;
    const METHODS: &'static [Method] = &[Find, Get, Create, Update, Patch, Remove];

    async fn find(&self, _: &Params) -> Result<Vec<Message>> {
        //~ E0271
        //~ expected `Result<Found<Message>, Error>`, found `Result<Vec<Message>, Error>`
        Ok(Vec::new())
    }

    async fn get(&self, id: u64, _: &Params) -> Result<Message> {
        //~ E0053
        //~ expected `wingbeat::Id`, found `u64`
        //~ change the parameter type to match the trait
        Ok(Message { text: id.to_string() })
    }

    async fn create(&self, data: NewMessage, _: &Params) -> Result<Message> {
        //~ E0053
        //~ OneOrMany<NewMessage>`, found `NewMessage`
        //~ change the parameter type to match the trait
        Ok(Message { text: data.text })
    }

    async fn update(&self, _: Option<Id>, data: Message, _: &Params) -> Result<OneOrMany<Message>> {
        //~ E0053
        //~ expected `NewMessage`, found `Message`
        Ok(data.into())
    }

    async fn patch(&self, _: Option<Id>, data: NewMessage) -> Result<OneOrMany<Message>> {
        //~ E0050
        //~ expected 4 parameters, found 3
        Ok(Message { text: data.text }.into())
    }

    async fn remove(&self, _: Option<Id>, _: &Params) -> OneOrMany<Message> {
        //~ E0271
        //~ expected `Result<OneOrMany<Message>, Error>`, found `OneOrMany<Message>`
        Vec::new().into()
    }
}

struct Text(String);

struct Texts;

impl Service for Texts {
    type Item = Text;
    //~ E0277
    //~ for local types consider adding `#[derive(serde::Serialize)]` to your `Text` type
    type Data = Text;
    //~ E0277
    //~ for local types consider adding `#[derive(serde::Deserialize)]` to your `Text` type
    type Patch = String;
    const METHODS: &'static [Method] = &[Find, Create];

    async fn find(&self, _: &Params) -> Result<Found<Text>> {
        Ok(Vec::new())
        //~ E0308
        //~ try wrapping the expression in `wingbeat::service::Found::List`
    }

    async fn create(&self, data: OneOrMany<Text>, _: &Params) -> Result<OneOrMany<Text>> {
        Ok(data.one()?)
        //~ E0308
        //~ try wrapping the expression in `wingbeat::service::OneOrMany::One`
    }
}
