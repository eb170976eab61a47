import yaml

from tests.architecture import containers

GOOD = (containers.ROOT / "compose.yaml").read_text()
KNOWN = containers.known_variables()


def test_the_container_files_fit_the_project():
    assert containers.faults() == []


def test_each_kind_of_mistake_is_noticed():
    broken = yaml.safe_load(GOOD)
    del broken["services"]["beat"]
    broken["services"]["web"] |= {"user": "0:0", "environment": {"NO_SUCH_SETTING": "1"}, "image": "backroom:latest"}
    del broken["services"]["live"]["healthcheck"]
    broken["services"]["worker"]["depends_on"] = {"kafka": {}}

    faults = "\n".join(containers.compose_faults(broken, KNOWN))

    for words in (
        "no service beat",
        "web runs as root",
        "web sets NO_SUCH_SETTING",
        "web uses an image of no fixed version",
        "live has no healthcheck",
        "worker waits for kafka",
        "worker does not wait for migrate",
    ):
        assert words in faults


def test_a_careless_image_is_noticed(tmp_path):
    text = "FROM python\nCOPY nothing ./\nADD https://example.org/x .\nRUN pip install django\n"

    faults = "\n".join(containers.docker_faults(text, tmp_path))

    for words in (
        "runs as root",
        "python has no fixed version",
        "no nothing to copy",
        "not ADD",
        "without hashes",
        "no CMD",
    ):
        assert words in faults
