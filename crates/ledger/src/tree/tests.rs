use super::*;
use proptest::prelude::*;

/// RFC 6962 section 2.1, word for word.
fn naive_root(leaves: &[Vec<u8>]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => leaf_hash(one),
        many => {
            let k = (0..).map(|i| 1usize << i).take_while(|k| *k < many.len()).last().unwrap();
            node_hash(&naive_root(&many[..k]), &naive_root(&many[k..]))
        }
    }
}

fn naive_path(m: usize, leaves: &[Vec<u8>]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = (0..).map(|i| 1usize << i).take_while(|k| *k < leaves.len()).last().unwrap();
    let (mut path, sibling) = if m < k {
        (naive_path(m, &leaves[..k]), naive_root(&leaves[k..]))
    } else {
        (naive_path(m - k, &leaves[k..]), naive_root(&leaves[..k]))
    };
    path.push(sibling);
    path
}

fn naive_subproof(m: usize, leaves: &[Vec<u8>], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let k = (0..).map(|i| 1usize << i).take_while(|k| *k < leaves.len()).last().unwrap();
    let (mut path, sibling) = if m <= k {
        (naive_subproof(m, &leaves[..k], whole), naive_root(&leaves[k..]))
    } else {
        (naive_subproof(m - k, &leaves[k..], false), naive_root(&leaves[..k]))
    };
    path.push(sibling);
    path
}

fn grow(leaves: &[Vec<u8>]) -> (Frontier, MemoryNodes, Vec<Hash>) {
    let (mut f, mut n, mut roots) = (Frontier::new(), MemoryNodes::default(), vec![empty_root()]);
    for l in leaves {
        n.extend(&f.push(leaf_hash(l)));
        roots.push(f.root());
    }
    (f, n, roots)
}

fn some_leaves(n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|i| format!("leaf {i}").into_bytes()).collect()
}

#[test]
fn roots_are_those_of_the_certificate_transparency_test_data() {
    let leaves: Vec<Vec<u8>> = [
        &b""[..],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ]
    .iter()
    .map(|l| l.to_vec())
    .collect();
    let known = [
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
    let (_, _, roots) = grow(&leaves);
    for (root, known) in roots.iter().zip(known) {
        assert_eq!(root.to_string(), known);
        assert_eq!(Hash::from_hex(known), Some(*root));
    }
}

#[test]
fn all_sizes_to_130_agree_with_the_recursive_definition() {
    let leaves = some_leaves(130);
    let (frontier, nodes, roots) = grow(&leaves);
    for size in 0..=130usize {
        let s = size as u64;
        assert_eq!(roots[size], naive_root(&leaves[..size]));
        assert_eq!(root_at(&nodes, s).unwrap(), roots[size]);
        let loaded = Frontier::load(s, &nodes).unwrap();
        assert_eq!((loaded.root(), loaded.size()), (roots[size], s));
        for index in 0..size {
            let proof = inclusion_proof(&nodes, index as u64, s).unwrap();
            assert_eq!(proof, naive_path(index, &leaves[..size]));
            let leaf = leaf_hash(&leaves[index]);
            assert!(verify_inclusion(&leaf, index as u64, s, &proof, &roots[size]));
            assert!(
                !verify_inclusion(&leaf, (index as u64 + 1) % s.max(2), s, &proof, &roots[size]) || size == 1
            );
        }
        for old in 0..=size {
            let proof = consistency_proof(&nodes, old as u64, s).unwrap();
            if old > 0 {
                assert_eq!(proof, naive_subproof(old, &leaves[..size], true));
            }
            assert!(verify_consistency((old as u64, &roots[old]), (s, &roots[size]), &proof));
        }
    }
    assert_eq!(Frontier::load(130, &nodes).unwrap(), frontier);
}

#[test]
fn wrong_proofs_do_not_verify() {
    let leaves = some_leaves(70);
    let (_, nodes, roots) = grow(&leaves);
    for size in [1u64, 2, 3, 7, 8, 33, 64, 70] {
        let root = &roots[size as usize];
        for index in 0..size {
            let leaf = leaf_hash(&leaves[index as usize]);
            let proof = inclusion_proof(&nodes, index, size).unwrap();
            assert!(!verify_inclusion(&leaf, index, size, &proof, &Hash::ZERO));
            assert!(!verify_inclusion(&leaf, size, size, &proof, root));
            assert!(!verify_inclusion(&Hash::ZERO, index, size, &proof, root));
            let longer = [proof.clone(), vec![*root]].concat();
            assert!(!verify_inclusion(&leaf, index, size, &longer, root));
            for drop in 0..proof.len() {
                let mut bad = proof.clone();
                bad.remove(drop);
                assert!(!verify_inclusion(&leaf, index, size, &bad, root));
                let mut bad = proof.clone();
                bad[drop].0[3] ^= 4;
                assert!(!verify_inclusion(&leaf, index, size, &bad, root));
            }
        }
        for old in 1..size {
            let proof = consistency_proof(&nodes, old, size).unwrap();
            let (o, n) = ((old, &roots[old as usize]), (size, root));
            assert!(!verify_consistency((old, &Hash::ZERO), n, &proof));
            assert!(!verify_consistency(o, (size, &Hash::ZERO), &proof));
            assert!(!verify_consistency(n, o, &proof));
            assert!(!verify_consistency(o, n, &[proof.clone(), vec![*root]].concat()));
            for drop in 0..proof.len() {
                let mut bad = proof.clone();
                bad.remove(drop);
                assert!(!verify_consistency(o, n, &bad));
                let mut bad = proof.clone();
                bad[drop].0[31] ^= 1;
                assert!(!verify_consistency(o, n, &bad));
            }
        }
    }
}

#[test]
fn missing_nodes_and_wrong_ranges_are_named() {
    let (_, nodes, _) = grow(&some_leaves(5));
    assert!(matches!(inclusion_proof(&nodes, 5, 5), Err(LedgerError::OutOfRange { index: 5, size: 5 })));
    assert!(matches!(consistency_proof(&nodes, 6, 5), Err(LedgerError::OutOfRange { .. })));
    assert!(matches!(inclusion_proof(&nodes, 0, 9), Err(LedgerError::MissingNode { .. })));
    assert!(matches!(Frontier::load(9, &nodes), Err(LedgerError::MissingNode { .. })));
    for bad in ["", "zz", &"A".repeat(64), &"a".repeat(63), &"a".repeat(66)] {
        assert!(Hash::from_hex(bad).is_none());
    }
}

proptest! {
    #[test]
    fn any_tree_keeps_its_promises(sizes in (1usize..600, any::<u16>(), any::<u16>())) {
        let leaves = some_leaves(sizes.0);
        let (_, nodes, roots) = grow(&leaves);
        let n = sizes.0 as u64;
        let (i, old) = (u64::from(sizes.1) % n, 1 + u64::from(sizes.2) % n);
        let proof = inclusion_proof(&nodes, i, n).unwrap();
        prop_assert!(proof.len() <= 10);
        prop_assert!(verify_inclusion(&leaf_hash(&leaves[i as usize]), i, n, &proof, &roots[n as usize]));
        let proof = consistency_proof(&nodes, old, n).unwrap();
        prop_assert!(verify_consistency((old, &roots[old as usize]), (n, &roots[n as usize]), &proof));
    }

    #[test]
    fn rubbish_proofs_never_panic(
        index: u64, size: u64, new: u64, proof in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..70),
    ) {
        prop_assert!(!verify_inclusion(&Hash::ZERO, index, size, &proof, &Hash::ZERO));
        prop_assert!(!verify_consistency((index, &Hash([1; 32])), (new, &Hash::ZERO), &proof));
    }
}
