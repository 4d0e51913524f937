"""The tests of what a release and the program are needed for get both from `cargo test --test release_files`, which makes them."""

import pathlib
import shutil

import pytest

import minster


def pytest_addoption(parser):
    parser.addoption("--release", help="the folder of a release to read")
    parser.addoption("--pipeline", help="the configuration that the program is asked with")
    parser.addoption("--minster", help="the program")


def given(request, name):
    value = request.config.getoption(name)
    if value is None:
        pytest.skip(f"LEFT OUT: no {name}; `cargo test --test release_files` gives one")
    return pathlib.Path(value)


@pytest.fixture
def folder(request):
    """The folder of a release, which a test only reads."""
    return given(request, "--release")


@pytest.fixture
def copied(folder, tmp_path):
    """A copy of the release, below a folder of its own, for a test that changes it. Its name is no longer its hash's."""
    copy = tmp_path / "period" / "copied"
    shutil.copytree(folder, copy)
    return copy


@pytest.fixture
def release(folder):
    return minster.open(folder)


@pytest.fixture(scope="session")
def site(request):
    """How to ask the program."""
    return {"config": given(request, "--pipeline"), "program": given(request, "--minster")}


@pytest.fixture(scope="session")
def pupils(site):
    return minster.columns(**site)
