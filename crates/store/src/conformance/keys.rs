//! Organizations and API keys.

use super::samples::organization;
use crate::Stores;
use evalset_model::Error;
use evalset_model::ids::KeyId;
use evalset_model::key::{ApiKey, Environment};
use uuid::Uuid;

pub fn key(number: u8, owner: u128, created_at: i64) -> ApiKey {
    ApiKey {
        id: KeyId(Uuid::from_u128(0x4000 + u128::from(number))),
        organization: organization(owner),
        name: format!("key {number}"),
        prefix: format!("prefix{number}"),
        hash: vec![number; 32],
        environment: [Environment::Prod, Environment::Test][usize::from(number % 2)],
        created_at,
        revoked_at: None,
    }
}

async fn organizations(stores: &Stores) {
    for (number, name) in [(1, "first"), (2, "second")] {
        stores.keys.create_organization(organization(number), name, 5).await.unwrap();
    }
}

pub async fn organizations_are_numbered(stores: &Stores) {
    assert_eq!(stores.keys.organizations().await.unwrap(), []);
    organizations(stores).await;
    let taken = stores.keys.create_organization(organization(3), "first", 6).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    stores.keys.create_organization(organization(3), "third", 7).await.unwrap();
    let all = stores.keys.organizations().await.unwrap();
    let seen: Vec<_> = all.iter().map(|one| (one.number, one.id, one.name.as_str(), one.created_at)).collect();
    let wanted =
        [(1, organization(1), "first", 5), (2, organization(2), "second", 5), (3, organization(3), "third", 7)];
    assert_eq!(seen, wanted);
}

pub async fn an_organization_by_its_id(stores: &Stores) {
    organizations(stores).await;
    for one in stores.keys.organizations().await.unwrap() {
        assert_eq!(stores.keys.organization(one.id).await.unwrap(), Some(one));
    }
    assert_eq!(stores.keys.organization(organization(3)).await.unwrap(), None);
}

pub async fn keys_by_hash(stores: &Stores) {
    organizations(stores).await;
    for (number, owner, at) in [(1, 1, 30), (2, 2, 10), (3, 1, 20)] {
        stores.keys.create_key(key(number, owner, at)).await.unwrap();
    }
    let (found, owner) = stores.keys.by_hash(&[3; 32]).await.unwrap().unwrap();
    assert_eq!((found, owner.number), (key(3, 1, 20), 1));
    assert_eq!(stores.keys.by_hash(&[9; 32]).await.unwrap(), None);
    assert_eq!(stores.keys.by_hash(&[]).await.unwrap(), None);
    assert_eq!(stores.keys.keys(Some(organization(1))).await.unwrap(), [key(3, 1, 20), key(1, 1, 30)]);
    assert_eq!(stores.keys.keys(None).await.unwrap().len(), 3);
}

pub async fn keys_are_unique(stores: &Stores) {
    organizations(stores).await;
    stores.keys.create_key(key(1, 1, 1)).await.unwrap();
    let same_prefix = ApiKey { prefix: "prefix1".to_owned(), ..key(2, 1, 1) };
    let same_hash = ApiKey { hash: vec![1; 32], ..key(3, 1, 1) };
    for taken in [key(1, 1, 1), same_prefix, same_hash] {
        let refused = stores.keys.create_key(taken).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    assert_eq!(stores.keys.keys(None).await.unwrap(), [key(1, 1, 1)]);
}

pub async fn revoking(stores: &Stores) {
    organizations(stores).await;
    stores.keys.create_key(key(1, 1, 1)).await.unwrap();
    assert!(stores.keys.revoke(key(1, 1, 1).id, 7).await.unwrap());
    assert!(stores.keys.revoke(key(1, 1, 1).id, 9).await.unwrap());
    assert!(!stores.keys.revoke(key(2, 1, 1).id, 9).await.unwrap());
    let (found, _) = stores.keys.by_hash(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(7));
}
