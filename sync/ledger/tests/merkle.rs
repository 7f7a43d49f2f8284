//! The tree against the RFCs. The numbers were computed with a direct transcription of RFC 6962 §2.1 in
//! another language, over the eight leaves that Certificate Transparency implementations share.
#![allow(clippy::unwrap_used, reason = "what is not as expected fails the test")]

use hall_ledger::Hash;
use hall_ledger::merkle::{
    self, Frontier, ProofError, consistency_proof, inclusion_proof, leaf_hash, verify_consistency,
    verify_inclusion,
};
use proptest::prelude::*;

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hash(text: &str) -> Hash {
    text.parse().unwrap()
}

fn hashes(texts: &[&str]) -> Vec<Hash> {
    texts.iter().map(|text| hash(text)).collect()
}

fn leaves() -> Vec<Hash> {
    let data: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    data.iter().map(|data| leaf_hash(data)).collect()
}

#[test]
fn roots_are_those_of_the_rfc() {
    let leaves = leaves();
    let mut frontier = Frontier::new();
    for (size, expected) in ROOTS.iter().enumerate() {
        assert_eq!(merkle::root(&leaves[..size]), hash(expected), "size {size}");
        assert_eq!(frontier.root(), hash(expected), "frontier of {size}");
        if let Some(leaf) = leaves.get(size) {
            frontier.push(*leaf);
        }
    }
}

#[test]
fn inclusion_proofs_are_those_of_the_rfc() {
    let leaves = leaves();
    let vectors: [(u64, usize, &[&str]); 6] = [
        (0, 1, &[]),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1,
            5,
            &[
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
        (
            6,
            7,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
    ];
    for (index, size, expected) in vectors {
        let path = inclusion_proof(&leaves[..size], index).unwrap();
        assert_eq!(path, hashes(expected), "leaf {index} of {size}");
        let leaf = leaves[index as usize];
        verify_inclusion(&leaf, index, size as u64, &path, &hash(ROOTS[size])).unwrap();
    }
}

#[test]
fn consistency_proofs_are_those_of_the_rfc() {
    let leaves = leaves();
    let vectors: [(u64, usize, &[&str]); 6] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
        (
            3,
            7,
            &[
                "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
                "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
            ],
        ),
        (4, 8, &["6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    ];
    for (old, new, expected) in vectors {
        let path = consistency_proof(&leaves[..new], old).unwrap();
        assert_eq!(path, hashes(expected), "{old} to {new}");
        let (old_root, new_root) = (hash(ROOTS[old as usize]), hash(ROOTS[new]));
        verify_consistency(old, &old_root, new as u64, &new_root, &path).unwrap();
    }
}

#[test]
fn outside_the_tree_there_is_no_proof() {
    let leaves = leaves();
    assert_eq!(inclusion_proof(&leaves, 8), Err(ProofError::OutOfRange { index: 8, size: 8 }));
    assert_eq!(inclusion_proof(&[], 0), Err(ProofError::OutOfRange { index: 0, size: 0 }));
    assert_eq!(consistency_proof(&leaves, 9), Err(ProofError::OutOfRange { index: 9, size: 8 }));
    let root = merkle::root(&leaves);
    assert!(verify_inclusion(&leaves[0], 8, 8, &[], &root).is_err());
    // A tree of one leaf needs no path, and does not stand for any other tree.
    assert_eq!(verify_inclusion(&root, 0, 1, &[], &root), Ok(()));
    assert_eq!(verify_inclusion(&root, 0, 8, &[], &root), Err(ProofError::Length));
    assert_eq!(verify_consistency(0, &merkle::empty_root(), 8, &root, &[]), Ok(()));
    assert_eq!(verify_consistency(0, &root, 8, &root, &[]), Err(ProofError::Root));
    assert_eq!(verify_consistency(8, &root, 8, &root, &[root]), Err(ProofError::Length));
    assert!(verify_consistency(8, &root, 7, &root, &[]).is_err());
}

fn tree() -> impl Strategy<Value = Vec<Hash>> {
    (1_usize..200).prop_map(|size| (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect())
}

proptest! {
    #[test]
    fn every_leaf_proves_itself_and_nothing_else(leaves in tree(), at: usize, flip: usize, other: usize) {
        let size = leaves.len() as u64;
        let index = at as u64 % size;
        let root = merkle::root(&leaves);
        let path = inclusion_proof(&leaves, index).unwrap();
        let leaf = &leaves[index as usize];
        prop_assert_eq!(verify_inclusion(leaf, index, size, &path, &root), Ok(()));

        prop_assert!(verify_inclusion(&Hash::of(b"another"), index, size, &path, &root).is_err());
        let wrong = other as u64 % size;
        if wrong != index {
            prop_assert!(verify_inclusion(leaf, wrong, size, &path, &root).is_err());
        }
        let mut longer = path.clone();
        longer.push(root);
        prop_assert!(verify_inclusion(leaf, index, size, &longer, &root).is_err());
        if !path.is_empty() {
            prop_assert!(verify_inclusion(leaf, index, size, &path[1..], &root).is_err());
            prop_assert!(verify_inclusion(leaf, index, size, &path[..path.len() - 1], &root).is_err());
            let mut flipped = path.clone();
            let at = flip % (path.len() * 32);
            flipped[at / 32].0[at % 32] ^= 1;
            prop_assert!(verify_inclusion(leaf, index, size, &flipped, &root).is_err());
        }
    }

    #[test]
    fn every_prefix_is_consistent_and_no_other_tree_is(leaves in tree(), at: usize, flip: usize) {
        let size = leaves.len() as u64;
        let old = at as u64 % (size + 1);
        let (old_root, new_root) = (merkle::root(&leaves[..old as usize]), merkle::root(&leaves));
        let path = consistency_proof(&leaves, old).unwrap();
        prop_assert_eq!(verify_consistency(old, &old_root, size, &new_root, &path), Ok(()));

        let other = Hash::of(b"another");
        prop_assert!(verify_consistency(old, &other, size, &new_root, &path).is_err());
        if old > 0 {
            prop_assert!(verify_consistency(old, &old_root, size, &other, &path).is_err());
        }
        if !path.is_empty() {
            prop_assert!(verify_consistency(old, &old_root, size, &new_root, &path[1..]).is_err());
            let mut flipped = path.clone();
            let at = flip % (path.len() * 32);
            flipped[at / 32].0[at % 32] ^= 1;
            prop_assert!(verify_consistency(old, &old_root, size, &new_root, &flipped).is_err());
        }
    }

    #[test]
    fn a_frontier_comes_back_from_its_parts(leaves in tree()) {
        let mut frontier = Frontier::new();
        leaves.iter().for_each(|leaf| frontier.push(*leaf));
        let again = Frontier::from_parts(frontier.size(), frontier.hashes().to_vec());
        prop_assert_eq!(again.as_ref(), Some(&frontier));
        prop_assert!(Frontier::from_parts(frontier.size() + 1, frontier.hashes().to_vec()).is_none()
            || frontier.size().count_ones() == (frontier.size() + 1).count_ones());
        prop_assert_eq!(frontier.root(), merkle::root(&leaves));
    }
}
