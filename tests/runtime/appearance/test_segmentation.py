import numpy as np
import numpy.typing as npt

from hsi.runtime.appearance import AttentionLayer, LayerFeatures
from hsi.runtime.appearance.segmentation import (
    attention_maps,
    feathered,
    object_mask,
    segment,
)

LAYER = AttentionLayer(name="one", group=0, heads=2)
SIZE = (16, 16)


def blocks() -> npt.NDArray[np.int32]:
    """Three parts: a background, and two halves of an object within."""
    labels = np.zeros(SIZE, np.int32)
    labels[4:12, 4:8], labels[4:12, 8:12] = 1, 2
    return labels


def block_attention() -> npt.NDArray[np.float32]:
    same = blocks().ravel()[:, None] == blocks().ravel()[None]
    weights = same + np.random.default_rng(0).uniform(0, 0.02, same.shape)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def test_parts_are_recovered_from_who_attends_to_whom() -> None:
    found = segment(block_attention(), SIZE, clusters=3)

    pairs = set(zip(found.ravel().tolist(), blocks().ravel().tolist(), strict=True))
    assert len(pairs) == 3  # one label for each part, and one part for each label


def test_the_same_attention_gives_the_same_parts() -> None:
    assert (segment(block_attention(), SIZE) == segment(block_attention(), SIZE)).all()


def test_without_words_the_object_is_what_keeps_off_the_border() -> None:
    assert (object_mask(blocks()) == (blocks() > 0)).all()


def test_with_a_noun_the_object_is_what_attends_to_it() -> None:
    noun = np.where(blocks() == 2, 0.9, 0.1).astype(np.float32)

    assert (object_mask(blocks(), noun) == (blocks() == 2)).all()


def test_a_mask_too_small_falls_back_to_the_noun_map_and_then_to_everything() -> None:
    noun = np.full(SIZE, 0.1, np.float32)
    noun[:, :8] = 0.9  # no part stands out, yet the map does
    flat = np.zeros(SIZE, np.int32)

    assert object_mask(flat, noun).mean() == 0.5
    assert object_mask(flat, np.full(SIZE, 0.5, np.float32)).all()
    assert object_mask(flat).all()


def test_attention_maps_are_softmax_averaged_over_heads() -> None:
    query, key = np.random.default_rng(1).standard_normal((2, 1, 6, 8))
    wanted = np.zeros((6, 6))
    for head in (slice(0, 4), slice(4, 8)):
        weights = np.exp(query[0][:, head] @ key[0][:, head].T / 2)
        wanted += weights / weights.sum(1, keepdims=True) / 2

    features = LayerFeatures(query=query.astype(np.float32), key=key.astype(np.float32))

    assert abs(attention_maps(LAYER, features)[0] - wanted).max() < 1e-6


def test_feathered_masks_have_a_rim_and_keep_their_middle() -> None:
    mask = np.zeros((1, 16, 16), np.float32)
    mask[:, 3:13, 3:13] = 1

    soft = feathered(mask, 1.0)

    assert soft[0, 8, 8] > 0.99
    assert 0.1 < soft[0, 3, 8] < 0.9
    assert (feathered(mask, 0.0) == mask).all()
