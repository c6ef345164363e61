//! Providers of models.

use super::samples::organization;
use crate::Stores;
use crate::providers::StoredProvider;
use evalset_model::provider::{Price, Provider};

fn provider(base_url: &str, updated_at: i64) -> StoredProvider {
    let prices = [("m \"1\"".to_owned(), Price { input_per_million: 0.15, output_per_million: 1.0 / 3.0 })];
    let settings = Provider {
        base_url: base_url.to_owned(),
        prices: prices.into(),
        requests_per_minute: Some(600),
        tokens_per_minute: Some(1 << 40),
        ..Provider::default()
    };
    StoredProvider { settings, key: Some(vec![0, 255, 7]), updated_at }
}

pub async fn life_of_a_provider(stores: &Stores) {
    let (own, other) = (organization(1), organization(2));
    let providers = &stores.providers;
    assert_eq!(providers.get(own).await.unwrap(), None);
    assert!(!providers.delete(own).await.unwrap());
    assert!(providers.put(own, provider("http://a", 5), None).await.unwrap());
    assert_eq!(providers.get(own).await.unwrap(), Some(provider("http://a", 5)));
    assert_eq!(providers.get(other).await.unwrap(), None);

    let keyless = StoredProvider { key: None, ..provider("http://b", 6) };
    assert!(providers.put(own, keyless.clone(), Some(5)).await.unwrap());
    assert_eq!(providers.get(own).await.unwrap(), Some(keyless.clone()));
    assert!(!providers.delete(other).await.unwrap());
    assert!(providers.delete(own).await.unwrap());
    assert_eq!(providers.get(own).await.unwrap(), None);
    assert!(providers.put(own, keyless, None).await.unwrap());
}

pub async fn only_the_form_that_was_read_is_replaced(stores: &Stores) {
    let own = organization(1);
    let providers = &stores.providers;
    assert!(!providers.put(own, provider("http://a", 5), Some(4)).await.unwrap(), "there is none");
    assert!(providers.put(own, provider("http://a", 5), None).await.unwrap());
    for over in [None, Some(4), Some(6)] {
        assert!(!providers.put(own, provider("http://b", 7), over).await.unwrap(), "{over:?}");
    }
    assert_eq!(providers.get(own).await.unwrap(), Some(provider("http://a", 5)));
}
