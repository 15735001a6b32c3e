"""wasmill.toml and keyword settings: what holds, what wins, and what a wrong one says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator import config as config_module
from orchestrator.config import BuildConfig, CacheConfig, Config, RemoteConfig, RunConfig, load
from orchestrator.configfile import line_of
from orchestrator.errors import ConfigError, ProjectError
from orchestrator.settings import SETTINGS, size

GIB = 1 << 30


def project(folder: Path, *, toml: str | None = None, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_ruchy", ".ruchy")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    if toml is not None:
        (folder / "wasmill.toml").write_text(toml)
    return folder


def refused(folder: Path, toml: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(project(folder, toml=toml, main_ruchy="x"))
    return caught.value


# ---------------------------------------------------------------------------------------------- what holds


def test_a_folder_with_main_needs_no_file(tmp_path: Path) -> None:
    here = load(project(tmp_path / "shop", main_ruchy="x"))
    home = str(tmp_path / "shop")
    assert (here.project, here.root, here.entry, here.file) == (home, home, "main.ruchy", "")
    assert (here.name, here.profile, here.build.invalidation, here.single) == ("shop", "dev", "transitive", False)
    assert here.build.output == os.path.join(home, "build", "main.wasm")
    assert here.cache.folder == os.path.join(home, ".ruchy-cache")
    assert here.outputs == (here.cache.folder, os.path.join(home, "build"))
    assert not here.entry_named
    assert (here.run.run_memory, here.run.fuel, here.run.folders) == (GIB, 0, ())
    assert here.profiles == ("dev", "release")


@pytest.mark.parametrize(
    ("files", "root"),
    [
        ({"main_ruchy": "x", "src__main_ruchy": "y"}, ""),
        ({"src__main_ruchy": "x"}, "src"),
        ({"other_ruchy": "x", "src__main_ruchy": "y"}, "src"),
        ({"other_ruchy": "x", "src__more_ruchy": "y"}, ""),
        ({"src__more_ruchy": "y"}, "src"),
        ({"note__text": "x"}, ""),
    ],
)
def test_where_sources_are(tmp_path: Path, files: dict[str, str], root: str) -> None:
    assert load(project(tmp_path, **files)).root == str(tmp_path / root).rstrip("/")


def test_jobs_are_the_cores_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_module, "cores", lambda: 7)
    assert load(tmp_path).build.jobs == 7
    assert load(tmp_path, {"jobs": 3}).build.jobs == 3


def test_a_file_above_makes_its_folder_the_project(tmp_path: Path) -> None:
    project(tmp_path, toml='[project]\nroot = "code"\n', code__deep__main_ruchy="x")
    here = load(tmp_path / "code" / "deep")
    assert (here.project, here.root) == (str(tmp_path), str(tmp_path / "code"))
    assert here.file == str(tmp_path / "wasmill.toml")


def test_the_nearest_file_counts(tmp_path: Path) -> None:
    project(tmp_path, toml='[project]\nname = "far"\n')
    project(tmp_path / "in", toml='[project]\nname = "near"\n')
    assert load(tmp_path / "in").name == "near"


def every_setting(config: Config) -> dict[str, object]:
    tables = {"project": config, "build": config.build, "cache": config.cache, "remote": config.remote}
    tables["run"] = config.run
    places = {name: config if name == "profile" else tables[one.table] for name, one in SETTINGS.items()}
    return {name: getattr(place, name) for name, place in places.items()}


def test_every_setting_of_the_file_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASMILL_TRUST", str(tmp_path))  # because it names a server
    toml = """
[project]
name = "shop"
root = "code"
entry = "start/go.ruchy"
include = ["**/*.ruchy"]
exclude = ["old/**"]
[build]
profile = "release"
output = "out"
jobs = 5
keep_going = false
timeout = 2.5
server = true
server_idle = 7.5
worker_memory = "512 MiB"
[cache]
folder = "../shared-cache"
max_size = "500 MB"
eviction = "lfu"
hot_memory = 4096
enabled = false
[remote]
cache = "https://cache.example/team"
headers = ["X-Key: $KEY"]
roots = "team.pem"
upload = true
remote_timeout = 0.5
[run]
run_memory = "64MiB"
fuel = 1000
seconds = 2.5
folders = ["data"]
[profile.release]
jobs = 1
"""
    home = project(tmp_path / "p", toml=toml, code__main_ruchy="x")
    here = load(home)
    assert every_setting(here) == {
        "name": "shop",
        "root": str(home / "code"),
        "entry": "start/go.ruchy",
        "include": ("**/*.ruchy",),
        "exclude": ("old/**",),
        "profile": "release",
        "output": str(home / "out" / "go.wasm"),
        "jobs": 1,
        "invalidation": "transitive",
        "keep_going": False,
        "timeout": 2.5,
        "server": True,
        "server_idle": 7.5,
        "worker_memory": 512 << 20,
        "folder": str(tmp_path / "shared-cache"),
        "max_size": 500_000_000,
        "eviction": "lfu",
        "hot_memory": 4096,
        "enabled": False,
        "cache": "https://cache.example/team",
        "headers": ("X-Key: $KEY",),
        "roots": str(home / "team.pem"),
        "upload": True,
        "remote_timeout": 0.5,
        "run_memory": 64 << 20,
        "fuel": 1000,
        "seconds": 2.5,
        "folders": (str(home / "data"),),
    }
    assert here.entry_named


def test_keywords_win_over_profile_over_tables(tmp_path: Path) -> None:
    toml = "[build]\njobs = 2\ntimeout = 1\nkeep_going = false\n[profile.dev]\njobs = 3\ntimeout = 2\n"
    here = load(project(tmp_path, toml=toml), {"jobs": 4})
    assert (here.build.jobs, here.build.timeout, here.build.keep_going) == (4, 2.0, False)


def test_another_profile_of_the_same_project(tmp_path: Path) -> None:
    here = load(project(tmp_path, toml='[profile.tiny]\noutput = "tiny"\n'), {"jobs": 9})
    assert here.profiles == ("dev", "release", "tiny")
    tiny = here.with_profile("tiny")
    assert (tiny.profile, tiny.build.output, tiny.build.jobs) == ("tiny", str(tmp_path / "tiny" / "main.wasm"), 9)
    assert here.with_profile("tiny").with_profile("dev") == here.with_profile("dev")
    with pytest.raises(ConfigError, match=r"no profile `tiyn`\n  did you mean `tiny`\?"):
        here.with_profile("tiyn")


def test_output_may_name_the_file_itself(tmp_path: Path) -> None:
    here = load(tmp_path, {"output": "app.wasm"})
    assert here.build.output == str(tmp_path / "app.wasm")
    assert here.outputs == (here.cache.folder,), "the root itself must be searched"


def test_a_single_file_is_a_project_of_what_it_reaches(tmp_path: Path) -> None:
    project(tmp_path, toml="[build]\njobs = 3\nbroken", tool_ruchy="x")
    file = tmp_path / "my-tool.ruchy"
    file.write_text("x")
    here = load(file)
    assert (here.single, here.root, here.entry, here.entry_named) == (True, str(tmp_path), "my-tool.ruchy", True)
    assert (here.build.output, here.cache.folder, here.file, here.outputs) == ("", "", "", ())
    with pytest.raises(ConfigError, match="`entry`: a single file is its own entry"):
        load(file, {"entry": "other.ruchy"})


def test_modules_in_memory_have_no_places() -> None:
    here = load(None)
    assert (here.project, here.root, here.build.output, here.cache.folder, here.entry) == ("", "", "", "", "main.ruchy")
    assert here.outputs == ()


def test_settings_and_config_agree() -> None:
    """Each setting is a field of its table's struct; `profile` names a set of settings, so it is not in `build`."""
    tables = {"build": BuildConfig, "cache": CacheConfig, "remote": RemoteConfig, "run": RunConfig}
    for table, kind in tables.items():
        assert set(kind.__struct_fields__) == {n for n, one in SETTINGS.items() if one.table == table} - {"profile"}
    rest = {name for name, one in SETTINGS.items() if one.table == "project"} | {"profile"}
    others = {"project", "file", "single", "entry_named", "profiles", "layers"}
    assert set(Config.__struct_fields__) == rest | others | tables.keys()


# ---------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("toml", "line", "key", "says"),
    [
        ("[build]\n\njosb = 2\n", 3, "build.josb", ["`josb` is not a setting of [build]", "did you mean `jobs`?"]),
        ("[cache]\njobs = 2\n", 2, "cache.jobs", ["`jobs` belongs in [build], not in [cache]"]),
        ("jobs = 2\n", 1, "jobs", ["`jobs` belongs in [build], not outside of a table"]),
        ("[build]\nqqq = 2\n", 2, "build.qqq", ["[build] takes: profile, output, jobs"]),
        ("[biuld]\n", 1, "biuld", ["[biuld] is not a table", "did you mean `build`?"]),
        ("[qqq]\n", 1, "qqq", ["allowed are: [project], [build], [cache], [run], [profile.NAME], [toolchain.NAME]"]),
        ("build = 3\n", 1, "build", ["`build` must be a table: [build]"]),
        ("[build]\njobs = 0\n", 2, "build.jobs", ["must be a whole number from 1 to 256, not 0"]),
        ("[build]\njobs = true\n", 2, "build.jobs", ["not true"]),
        ('# jobs = 1\n[build]\n"jobs" = "x"\n', 3, "build.jobs", ['not "x"']),
        ("build.jobs = 1.5\n", 1, "build.jobs", ["not 1.5"]),
        ("build = {keep_going = 1}\n", 1, "build.keep_going", ["must be true or false, not 1"]),
        ("[build]\ntimeout = -1\n", 2, "build.timeout", ["a number of seconds"]),
        ("[build]\ntimeout = nan\n", 2, "build.timeout", ["a number of seconds"]),
        (
            '[build]\ninvalidation = "fast"\n',
            2,
            "build.invalidation",
            ['must be "transitive" or "precise", not "fast"'],
        ),
        ('[build]\nprofile = "fsat"\n', 2, "build.profile", ["no profile `fsat`", "there are: dev, release"]),
        ('[cache]\nmax_size = "2 Gib"\n', 2, "cache.max_size", ['"2 GiB", "500 MB", or a number of bytes', "Gib"]),
        ('[cache]\neviction = "random"\n', 2, "cache.eviction", ['"lru", "lfu" or "fifo", not "random"']),
        ('[cache]\nfolder = "."\n', 2, "cache.folder", ["needs a folder of its own"]),
        ('[cache]\nfolder = ""\n', 2, "cache.folder", ["must be a path"]),
        ('[project]\nroot = "nowhere"\n', 2, "project.root", ["there is no folder", "nowhere"]),
        ('[project]\nentry = "../up.ruchy"\n', 2, "project.entry", ["is not a file under the source root"]),
        ('[project]\nentry = "a\\u0000b"\n', 2, "project.entry", ["as text"]),
        ('[project]\ninclude = "*"\n', 2, "project.include", ["a list of globs"]),
        ("[run]\nfolders = [1]\n", 2, "run.folders", ["a list of paths"]),
        ("[profile.x]\nprofile = 'dev'\n", 2, "profile.x.profile", ["cannot choose a profile"]),
        (
            "[profile.x]\n\njbos = 1\n",
            3,
            "profile.x.jbos",
            ["`jbos` is not a setting of [profile.x]", "did you mean `jobs`?"],
        ),
        ("[profile.dev]\nroot = 'no'\n", 2, "profile.dev.root", ["there is no folder"]),
        ("[profile]\nx = 1\n", 2, "profile.x", ["must be a table: [profile.x]"]),
        ('[project]\nname = """\n[build]\njobs = 0\n"""\n[build]\njobs = 0\n', 7, "build.jobs", ["not 0"]),
        ("[build\n", 1, "", ["this is not TOML"]),
        ("[build]\njobs = \n", 2, "", ["this is not TOML"]),
        ("[build]\njobs = 1\njobs = 2\n", 3, "", ["this is not TOML: Cannot overwrite a value"]),
    ],
)
def test_a_wrong_file_names_key_file_line_and_what_is_allowed(
    tmp_path: Path, toml: str, line: int, key: str, says: list[str]
) -> None:
    error = refused(tmp_path, toml)
    assert error.where == f"{tmp_path / 'wasmill.toml'}:{line}"
    assert error.key == key
    for words in says:
        assert words in str(error)
    assert error.exit_code == 2


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "wasmill.toml").write_bytes(b"[build]\nprofile = '\xff'\n")
    with pytest.raises(ConfigError, match=r"wasmill\.toml: this is not UTF-8 text"):
        load(tmp_path)


@pytest.mark.parametrize("make", [lambda file: file.mkdir(), lambda file: file.symlink_to("nowhere")])
def test_a_file_that_cannot_be_read(tmp_path: Path, make: object) -> None:
    make(tmp_path / "wasmill.toml")  # type: ignore[operator]
    with pytest.raises(ConfigError, match=r"wasmill\.toml: cannot be read: "):
        load(tmp_path)


def test_a_number_of_ten_thousand_digits(tmp_path: Path) -> None:
    assert "this cannot be read" in str(refused(tmp_path, "[build]\njobs = " + "9" * 10_000))


def test_deep_nesting_is_an_error_and_no_crash(tmp_path: Path) -> None:
    error = refused(tmp_path, "[project]\nname = " + "[" * 20_000 + "]" * 20_000)
    assert "nested too deep" in str(error)


def test_unknown_keyword() -> None:
    with pytest.raises(ConfigError, match=r"`job` is not a setting\n  did you mean `jobs`\?") as caught:
        load(None, {"job": 2})
    assert (caught.value.where, caught.value.key) == ("", "job")


def test_a_keyword_that_is_none_says_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, {"jobs": None, "profile": None}) == load(tmp_path)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"there is no folder `.*nowhere`"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2 GiB", 2 * GIB),
        ("500 MB", 500_000_000),
        ("1.5KiB", 1536),
        ("10", 10),
        ("7 B", 7),
        ("3kB", 3000),
        (0, 0),
        (4096, 4096),
    ],
)
def test_sizes(text: object, meant: int) -> None:
    assert size(text) == meant


@pytest.mark.parametrize(
    "text",
    ["", "GiB", "-1 MB", "1 XB", "1.2.3 MB", "1e3", "٣ MB", -1, True, None, 1.5, "1 MB x", ".", 1 << 80, "9" * 50],
)
def test_no_sizes(text: object) -> None:
    with pytest.raises(ValueError):
        size(text)


def test_line_of_the_longest_part() -> None:
    text = "a = 1\n[t]\n# k = 3\nk = 2\nk2 = '''\nk3 = 1\n'''\nk3 = 1\n[t.deep]\nx.y = 1\n"
    assert line_of(text, ("t", "k")) == 4
    assert line_of(text, ("t", "k3")) == 8
    assert line_of(text, ("t", "deep", "x", "y")) == 10
    assert line_of(text, ("t", "missing")) == 2
    assert line_of(text, ("nothing",)) == 1
    assert line_of("\nt.a = 1\nt.b = 2\n", ("t",)) == 2, "the first of several"


def test_loading_imports_nothing_heavy() -> None:
    heavy = ("dataclasses", "typing_extensions", "argparse", "difflib", "tomllib", "anyio", "sqlite3", "wasmtime")
    code = (
        f"import sys; from orchestrator.config import load; load('.'); print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['typing_extensions']\n" or done.stdout == "[]\n"


# ---------------------------------------------------------------------------------------------- configs/

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("name", ["default", "fast", "release", "ci"])
def test_ready_made_settings_load(tmp_path: Path, name: str) -> None:
    project(tmp_path, toml=(CONFIGS / f"{name}.toml").read_text(), main_ruchy="x")
    assert load(tmp_path).profile == ("release" if name == "release" else "dev")


def test_default_toml_is_the_default(tmp_path: Path) -> None:
    bare = load(project(tmp_path / "shop", main_ruchy="x"))
    text = (CONFIGS / "default.toml").read_text()
    said = load(project(tmp_path / "shop", toml=text))
    assert every_setting(said) == every_setting(bare)
    for name in SETTINGS:
        assert f"\n{name} = " in text or f"\n# {name} = " in text


# ---------------------------------------------------------------------------------------------- a cache of its own


@pytest.mark.parametrize(
    ("output", "folder"),
    [
        ("build", "build"),
        ("build", "build/cache"),
        ("out/deep/app.wasm", "out"),
        ("build", "build/main.wasm"),
        ("app.wasm", "app.wasm"),
        ("app.wasm", "app.wasm/cache"),
        ("build", "shop"),
        ("build", "papers"),
        ("build", "site"),
    ],
)
def test_a_cache_folder_of_others_is_refused(tmp_path: Path, output: str, folder: str) -> None:
    project(tmp_path, main_ruchy="x", shop__cart_ruchy="x", shop__modules__more_ruchy="x")
    project(tmp_path, papers__letter="dear", site__index_html="x")
    text = f'[build]\noutput = "{output}"\n[cache]\nfolder = "{folder}"\n'
    wrong = refused(tmp_path, text)
    assert wrong.what == f"`cache.folder`: the cache needs a folder of its own, not `{tmp_path / folder}`"
    assert wrong.where == f"{tmp_path / 'wasmill.toml'}:4"


@pytest.mark.parametrize(
    ("output", "folder", "names"),
    [
        ("build", "new", []),
        ("build", "empty", [""]),
        ("build", "hidden", [".gitignore"]),
        ("build", "cache", ["index.db", "modules/", "notes.txt"]),
        ("build", "cache", ["metadata/"]),
        ("build", "cache", ["outputs-0123456789abcdef.json"]),
        ("app.wasm", "cache", []),
        ("app.wasm", ".ruchy-cache", ["index.db"]),
        ("../app.wasm", "cache", []),
        ("builder", "build", []),
    ],
)
def test_a_cache_folder_that_may_be(tmp_path: Path, output: str, folder: str, names: list[str]) -> None:
    home = project(tmp_path / "home", main_ruchy="x")
    for name in names:
        place = home / folder / name
        (place if name.endswith("/") or not name else place.parent).mkdir(parents=True, exist_ok=True)
        if name and not name.endswith("/"):
            place.write_text("x")
    assert load(home, {"output": output, "folder": folder}).cache.folder == str(home / folder)


def test_a_file_in_place_of_the_cache_is_for_the_build_to_say(tmp_path: Path) -> None:
    assert load(project(tmp_path, main_ruchy="x", cache="x"), {"folder": "cache"}).cache.folder == str(
        tmp_path / "cache"
    )
