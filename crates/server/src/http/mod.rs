//! The HTTP side: routing, authentication, parsing and errors. Knows JSON shapes; knows no SQL.

pub mod auth;
mod body_memory;
pub mod bulk;
pub mod connections;
pub mod cursor;
mod error;
pub mod etag;
pub mod evaluator_body;
pub mod extract;
pub mod filters;
mod give_back;
pub mod listing;
pub mod log_body;
pub mod members;
pub mod middleware;
pub mod openapi;
pub mod paths;
pub mod router;
pub mod routes;
pub mod rows;
pub mod schema;
pub mod score_body;
mod standstill;
mod streams;
pub mod unread;
