"""Who is compared with whom: draws, halves, random numbers, and labels that belong to images."""

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.protocol import draws_of, halves, rows_of, shuffled, stream


def test_draws_follow_each_other_and_what_is_left_over_is_none() -> None:
    assert draws_of(300, 100) == [slice(0, 100), slice(100, 200), slice(200, 300)]
    assert draws_of(250, 100) == [slice(0, 100), slice(100, 200)]
    assert draws_of(100, 100) == [slice(0, 100)] and draws_of(99, 100) == []


def test_the_test_images_take_part_in_an_order_that_only_the_draw_decides() -> None:
    assert sorted(shuffled(601, 0)) == list(range(601))
    assert (shuffled(601, 0) == shuffled(601, 0)).all()
    assert (shuffled(601, 0) != shuffled(601, 1)).any()


def test_halves_are_equal_disjoint_the_same_for_all_and_new_for_each_draw() -> None:
    (first, one), (second, other) = halves(600, 601, 0, are_test=False)
    assert len(first) == len(second) == len(one) == len(other) == 300
    assert not {*first} & {*second} and {*one, *other} == {*range(600)}
    assert (halves(700, 601, 0, are_test=False)[0][0] == first).all()
    assert {*halves(600, 601, 1, are_test=False)[0][0]} != {*first}


def test_of_few_samples_or_few_test_images_there_are_as_many_on_both_sides() -> None:
    for images, test in ((200, 601), (601, 200)):
        for real, fake in halves(images, test, 0, are_test=False):
            assert len(real) == len(fake) == 100
            assert real.max() < test and fake.max() < images


def test_the_test_images_are_compared_one_half_against_the_other() -> None:
    (a, b), (c, d) = halves(601, 601, 0, are_test=True)
    assert (a == d).all() and (b == c).all() and not {*a} & {*b} and len(a) == len(b) == 300
    assert (a == halves(600, 601, 0, are_test=False)[0][0]).all(), "a model meets the halves that real images meet"


def test_each_metric_space_and_draw_has_random_numbers_of_its_own() -> None:
    asked = [
        (0, "balls", "pixels"),
        (1, "balls", "pixels"),
        (0, "prd", "pixels"),
        (0, "balls", "random_1"),
        (0, "b", ""),
    ]
    first = [stream(*each).random() for each in asked]
    assert len(set(first)) == len(asked)
    assert [stream(*each).random() for each in reversed(asked)] == first[::-1], "whatever was drawn before"


def test_the_rows_of_a_set_are_matched_to_its_images() -> None:
    labels = pd.DataFrame({
        "set": ["images"] * 3 + ["observations"] * 2,
        "index": [0, 1, 2, 0, 1],
        "label": [7, 8, 9, 5, 6],
    })  # fmt: skip
    assert rows_of(labels, "images", 3)["label"].tolist() == [7, 8, 9]
    observed = rows_of(labels, "observations", 2)
    assert observed["label"].tolist() == [5, 6] and observed.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("drawn", "index", "count"),
    [
        pytest.param("images", [0, 1], 3, id="a row is missing"),
        pytest.param("images", [0, 1, 2, 3], 3, id="a row too many"),
        pytest.param("images", [0, 2, 1], 3, id="another order"),
        pytest.param("images", [0, 1, 1], 3, id="one image twice"),
        pytest.param("observations", [0, 1, 2], 3, id="another set"),
    ],
)
def test_labels_of_other_images_are_refused(drawn: str, index: list[int], count: int) -> None:
    labels = pd.DataFrame({"set": drawn, "index": index, "label": 0})
    with pytest.raises(ValueError, match=rf"a row for each of the {count} images of the set images, .* Delete it"):
        rows_of(labels, "images", count)


def test_rows_keep_every_column() -> None:
    labels = pd.DataFrame({"set": "images", "index": np.arange(2), "p_0": [0.25, 0.75]})
    assert rows_of(labels, "images", 2)["p_0"].tolist() == [0.25, 0.75]
