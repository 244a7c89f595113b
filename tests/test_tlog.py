"""Merkle trees, proofs and checkpoints, against pymerkle, Certificate Transparency's own vectors and OpenSSL."""

import base64
import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_inclusion

from hashmatch.errors import ConfigurationError, InvalidInput
from hashmatch.tlog import Checkpoint, SigningKey, VerifyingKey, consistent, fold, included, leaf_hash, root_hash
from hashmatch.tlog.proofs import consistency, inclusion, nodes

LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Of the first 0 to 8 leaves: the vectors of Certificate Transparency's merkle_tree_test."""
MOST = 70
DATA = [hashlib.sha256(str(number).encode()).digest() for number in range(MOST)]
HASHES = [leaf_hash(data) for data in DATA]


def subtrees(ranges: list[tuple[int, int]], hashes: list[bytes]) -> list[bytes]:
    return [root_hash(hashes[begin:end]) for begin, end in ranges]


@pytest.fixture(scope="module")
def oracle() -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    tree.append_entries(DATA)
    return tree


def test_roots_are_those_of_certificate_transparency() -> None:
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
    assert [root_hash(hashes[:size]).hex() for size in range(9)] == list(ROOTS)


def test_roots_are_pymerkles_and_those_of_the_complete_subtrees(oracle: InmemoryTree) -> None:
    for size in range(1, MOST + 1):
        root = root_hash(HASHES[:size])
        assert root == oracle.get_root(size)
        complete = [(index << level, (index + 1) << level) for level, index in nodes(0, size)]
        assert fold(subtrees(complete, HASHES)) == root
        assert len(complete) == size.bit_count()


def test_inclusion_proofs_are_pymerkles(oracle: InmemoryTree) -> None:
    for size in range(1, MOST + 1):
        root = root_hash(HASHES[:size])
        for index in range(size):
            path = subtrees(inclusion(index, size), HASHES)
            theirs = oracle.prove_inclusion(index + 1, size)
            assert path == theirs.path[1:]
            verify_inclusion(HASHES[index], root, theirs, index + 1, size)
            assert included(HASHES[index], index, size, path, root)


@given(st.integers(1, MOST), st.data())
def test_no_other_inclusion_is_proven(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = subtrees(inclusion(index, size), HASHES), root_hash(HASHES[:size])
    other = data.draw(st.integers(0, MOST - 1).filter(lambda number: number != index))
    assert not included(HASHES[other], index, size, path, root)
    assert not included(HASHES[index], other, size, path, root)
    assert not included(HASHES[index], index, size, [*path, HASHES[other]], root)
    assert not included(HASHES[index], index, size, path, HASHES[other])
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not included(HASHES[index], index, size, path[:at] + path[at + 1 :], root)
        assert not included(HASHES[index], index, size, [*path[:at], bytes(32), *path[at + 1 :]], root)


def test_consistency_proofs_hold_for_pymerkles_roots(oracle: InmemoryTree) -> None:
    for second in range(1, MOST + 1):
        for first in range(1, second + 1):
            path = subtrees(consistency(first, second), HASHES)
            assert consistent(first, second, path, oracle.get_root(first), oracle.get_root(second))


def test_the_consistency_proofs_of_rfc_6962() -> None:
    """Section 2.1.3: of 3, 4 and 6 leaves with 7."""
    assert consistency(3, 7) == [(2, 3), (3, 4), (0, 2), (4, 7)]
    assert consistency(4, 7) == [(4, 7)]
    assert consistency(6, 7) == [(4, 6), (6, 7), (0, 4)]


@given(st.integers(0, MOST), st.integers(0, MOST), st.data())
def test_no_other_consistency_is_proven(first: int, second: int, data: st.DataObject) -> None:
    first, second = sorted((first, second))
    changed = list(HASHES)
    if first:
        changed[data.draw(st.integers(0, first - 1))] = bytes(32)
        path = subtrees(consistency(first, second), changed)
        old, new = root_hash(HASHES[:first]), root_hash(changed[:second])
        assert not consistent(first, second, path, old, new)
    path = subtrees(consistency(first, second), HASHES)
    assert not consistent(first, second, path, bytes(32), root_hash(HASHES[:second]))
    assert not consistent(first, second, [*path, bytes(32)], root_hash(HASHES[:first]), root_hash(HASHES[:second]))
    if first != second:
        assert not consistent(second, first, path, root_hash(HASHES[:second]), root_hash(HASHES[:first]))


CHECKPOINT = Checkpoint("hashmatch/audit/ab", 17, bytes(range(32)))


def test_a_checkpoint_is_three_lines() -> None:
    assert CHECKPOINT.text == "hashmatch/audit/ab\n17\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert Checkpoint.parse(CHECKPOINT.text) == CHECKPOINT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n1\nAAEC\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "\n1\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 43 + "=\n" + "x" * 70_000,
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no checkpoint"):
        Checkpoint.parse(text)


def test_a_signed_note_is_believed_only_as_it_was_signed(tmp_path: Path) -> None:
    key = SigningKey.create(tmp_path / "key")
    note = key.sign(CHECKPOINT)
    verifying = VerifyingKey.parse(key.verifying(CHECKPOINT.origin).text)
    assert verifying.check(note) == CHECKPOINT
    assert verifying.check(f"{note}\N{EM DASH} witness {base64.b64encode(bytes(76)).decode()}\n") == CHECKPOINT
    other = SigningKey.create(tmp_path / "other").verifying(CHECKPOINT.origin)
    for damaged in (note.replace("17", "18"), note.replace("AAEC", "AAED"), CHECKPOINT.text, note[:-10], ""):
        with pytest.raises(InvalidInput):
            verifying.check(damaged)
    with pytest.raises(InvalidInput, match="not signed by"):
        other.check(note)


def test_openssl_verifies_the_signature(tmp_path: Path) -> None:
    key = SigningKey.create(tmp_path / "key")
    text, _, signature = key.sign(CHECKPOINT).partition("\n\n")
    (tmp_path / "text").write_text(f"{text}\n")
    (tmp_path / "signature").write_bytes(base64.b64decode(signature.split()[2])[4:])
    command = ("openssl", "pkeyutl", "-verify", "-rawin", "-inkey", "key", "-in", "text", "-sigfile", "signature")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verified Successfully" in done.stdout


def test_a_note_that_another_implementation_signed_is_read() -> None:
    """That of the documentation of golang.org/x/mod/sumdb/note; the other key is the Go checksum database's."""
    key = VerifyingKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    assert key.open(f"{text}\n\N{EM DASH} PeterNeumann {signature}\n") == text
    assert (
        VerifyingKey.parse("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8").number.hex()
        == "033de0ae"
    )


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+AAAA", "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVk"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no public key"):
        VerifyingKey.parse(text)


def test_a_key_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    umask = os.umask(0)
    try:
        made = SigningKey.create(file)
    finally:
        os.umask(umask)
    assert file.stat().st_mode & 0o777 == 0o600
    assert SigningKey.load(file).verifying("a").text == made.verifying("a").text
    with pytest.raises(ConfigurationError, match="cannot write the key"):
        SigningKey.create(file)
    file.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        SigningKey.load(file)
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\n"):
        (tmp_path / "bad").write_bytes(content)
        (tmp_path / "bad").chmod(0o600)
        with pytest.raises(ConfigurationError, match="holds no key"):
            SigningKey.load(tmp_path / "bad")
    with pytest.raises(ConfigurationError, match="cannot read"):
        SigningKey.load(tmp_path / "none")
