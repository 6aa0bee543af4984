"""ssh nodes with a real sshd: output, status, login, known hosts, and what ends with an attempt."""

import asyncio
import os
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from floe.model.secret_name import SecretName, SecretRef, SecretUse
from floe.model.signal import Exited, Failed, Stopped
from floe.model.ssh import FileCopy, Ssh
from floe.model.template import Template, TemplatePart, Text
from floe.model.work import Exec
from floe.nodes.commands import Commands
from floe.nodes.preparation import CommandSettings
from floe.nodes.secrets import EnvironmentSecrets, HostSecrets
from floe.nodes.vault import Vault
from tests.cable import Cable
from tests.integration.gits import House
from tests.make_nodes import Reports, a_job, a_key
from tests.make_warden import until
from tests.sshd import Sshd, processes_with
from tests.tcp import serving

HOSTILE = "$(touch pwned) `touch pwned` ; touch pwned' \" \\ \n* $HOME ü !x"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    sshd = Sshd(tmp_path_factory.mktemp("sshd") / "ssh")
    sshd.start()
    yield sshd
    sshd.stop()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    commands = Commands(tmp_path, CommandSettings(host="h1", workspace_root=tmp_path))
    await commands.open()
    yield House(tmp_path, commands)
    await commands.shutdown()


@pytest.fixture
def mark() -> Iterator[str]:
    """A text of one test, in the command lines of its far processes; none is left at its end."""
    mark = f"mark-{secrets.token_hex(8)}"
    yield mark
    assert processes_with(mark) == []


def data(text: str) -> Template:
    """What a template came to."""
    return Template(parts=(TemplatePart(path=("values", "a"), data=text),))


async def begun(house: House, work: Ssh, **others: object) -> tuple[Reports, Path]:
    """Start an attempt, and wait until its far command prints `up`."""
    job, reported = a_job(house.root, work, **others), Reports()
    house.commands.start(job, reported)
    await until_printed(job.output, "up")
    return reported, job.output


async def until_printed(output: Path, text: str) -> None:
    await until(lambda: output.exists() and text in output.read_text())


async def until_gone(mark: str) -> None:
    await until(lambda: processes_with(mark) == [])


async def failed(house: House, work: Ssh) -> str:
    """Run what gets no connection; what it prints."""
    report = await house.run(work)
    assert isinstance(report, Exited), report
    assert report.status == 255, house.printed
    return house.printed


def endless(sshd: Sshd, mark: str, **others: object) -> Ssh:
    """A far command that never ends: a shell, and a child of it."""
    return sshd.work("sh", "-c", "echo up; sleep 600; echo never", mark, **others)


def program(mark: str = "") -> int:
    """The process of floe that is connected."""
    found = [
        pid
        for pid in processes_with("ssh-")
        if b".pyz" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    ours = [pid for pid in found if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()]
    (pid,) = ours
    return pid


# --- the command


async def test_output_and_errors_are_printed_in_order_and_the_status_is_the_commands(
    house: House, sshd: Sshd
) -> None:
    report = await house.run(sshd.work("sh", "-c", "echo out; echo err >&2; echo end; exit 3"))

    assert report == Exited(status=3, outputs={}, output_bytes=12)
    assert house.printed == "out\nerr\nend\n"


@pytest.mark.parametrize("direct", [False, True])
async def test_each_argument_arrives_as_it_is(house: House, sshd: Sshd, direct: bool) -> None:
    argv = ("printf", "[%s]", HOSTILE, "", "-n", "$HOME", "~", "*")

    await house.good(sshd.work(*argv, direct=direct))

    assert house.printed == f"[{HOSTILE}][][-n][$HOME][~][*]"


async def test_value_is_data_on_the_far_side_too(house: House, sshd: Sshd) -> None:
    signs = "$NAME $(reboot) '; reboot # {{ws}} ./a $$ \n ` \\ \" *"
    entry = Template(parts=(TemplatePart(text="A="), data(signs).parts[0]))
    argv: tuple[Text, ...] = ("sh", "-c", 'printf "%s" "$A" "$1"', "sh", data(signs))

    await house.good(sshd.work(argv=argv, env=(entry,)))

    assert house.printed == signs + signs


async def test_environment_is_sent_and_is_on_no_command_line(
    house: House, sshd: Sshd, mark: str
) -> None:
    script = 'printf "%s\\n" "$A" "$FLOE_RUN" "$FLOE_NODE" "$FLOE_ATTEMPT"; echo up; sleep 600'
    work = sshd.work("sh", "-c", script, env=(f"A={mark}",))

    reported, output = await begun(house, work)
    seen = processes_with(mark)
    house.commands.stop(a_key())
    await reported.report()

    assert seen == []
    assert output.read_text().split("\n")[:3] == [mark, "h1-1", "task.build"]


async def test_environment_of_the_flow_stays_here(house: House, sshd: Sshd) -> None:
    await house.good(sshd.work("sh", "-c", 'echo "<$A>"'), env=("A=here",))

    assert house.printed == "<>\n"


async def test_it_runs_in_its_folder(house: House, sshd: Sshd, tmp_path: Path) -> None:
    folder = tmp_path / "it's a folder"
    folder.mkdir()

    await house.good(sshd.work("pwd", dir=str(folder)))

    assert house.printed == f"{folder}\n"


async def test_folder_that_is_not_there_is_bad(house: House, sshd: Sshd) -> None:
    printed = await house.bad(sshd.work("pwd", dir="/nonexistent"))

    assert "/nonexistent" in printed


async def test_shell_is_bash_and_strict_on_request(house: House, sshd: Sshd) -> None:
    text = "false | true; [[ a == a ]] && echo on"
    careless = await house.run(sshd.work(shell=text))
    strict = await house.run(sshd.work(shell=text), strict_shell=True)

    assert [getattr(one, "status", None) for one in (careless, strict)] == [0, 1]


async def test_program_that_is_not_there_is_127(house: House, sshd: Sshd) -> None:
    report = await house.run(sshd.work("no-such-program"))

    assert isinstance(report, Exited)
    assert (report.status, "no-such-program" in house.printed) == (127, True)


@pytest.mark.parametrize("direct", [False, True])
async def test_end_by_a_signal_is_128_and_its_number(
    house: House, sshd: Sshd, direct: bool
) -> None:
    report = await house.run(sshd.work("sh", "-c", "kill -KILL $$", direct=direct))

    assert isinstance(report, Exited)
    assert report.status == 128 + signal.SIGKILL


async def test_100_mb_arrive_whole(house: House, sshd: Sshd) -> None:
    size = 100_000_000

    report = await house.run(sshd.work("sh", "-c", f"head -c {size} /dev/zero; echo end"))

    assert report == Exited(status=0, outputs={}, output_bytes=size + 4)


async def test_command_that_prints_too_much_is_ended(house: House, sshd: Sshd, mark: str) -> None:
    report = await house.run(sshd.work("sh", "-c", "yes", mark), output_max=100_000)
    await until_gone(mark)

    assert isinstance(report, Failed)
    assert report.cause == "output-limit"


async def test_process_that_the_command_left_holds_up_nothing(
    house: House, sshd: Sshd, mark: str
) -> None:
    script = 'sh -c "sleep 600" "$0" & echo started'

    await house.good(sshd.work("sh", "-c", script, mark))
    stayed = processes_with(mark)
    for pid in stayed:
        os.kill(pid, signal.SIGKILL)
    await until_gone(mark)

    assert (house.printed, len(stayed)) == ("started\n", 1)


async def test_forced_command_gets_the_command_unchanged(house: House, tmp_path: Path) -> None:
    sshd = Sshd(tmp_path / "ssh")
    sshd.start('ForceCommand echo "<$SSH_ORIGINAL_COMMAND>"')

    await house.good(sshd.work("deploy", "it's", direct=True))
    sshd.stop()

    assert house.printed == "<exec deploy 'it'\"'\"'s'>\n"


# --- outputs, secrets and files


async def test_outputs_of_the_far_command_are_those_of_the_node(house: House, sshd: Sshd) -> None:
    text = """
    echo a=1 >> "$FLOE_OUTPUTS"
    echo '{"b": [2]}' > "$FLOE_OUTPUTS.json"
    echo "$FLOE_OUTPUTS"
    """

    outputs = await house.good(sshd.work(shell=text))

    assert outputs == {"a": "1", "b": [2]}
    assert not Path(house.printed.strip()).parent.exists()


async def test_too_many_outputs_are_an_error(house: House, sshd: Sshd) -> None:
    script = 'head -c 2000000 /dev/zero | tr "\\0" a >> "$FLOE_OUTPUTS"'

    report = await house.run(sshd.work("sh", "-c", script))

    assert isinstance(report, Failed)
    assert "more than 1048576 bytes" in report.why


@asynccontextmanager
async def house_with(root: Path, name: str, value: str) -> AsyncIterator[House]:
    """A house whose host has a secret."""
    environ = {f"FLOE_SECRET_{name}": value}
    secrets = HostSecrets(Vault(root / "vault.key"), [EnvironmentSecrets(environ)])
    commands = Commands(root, CommandSettings(host="h1", workspace_root=root), secrets=secrets)
    await commands.open()
    yield House(root, commands)
    await commands.shutdown()


async def test_key_may_be_a_secret(tmp_path: Path, sshd: Sshd) -> None:
    key = SecretRef(SecretName("DEPLOY_KEY"))
    async with house_with(tmp_path, "DEPLOY_KEY", sshd.key.read_text()) as house:
        await house.good(sshd.work("true", key_file="", key=key))


async def test_secret_reaches_the_far_command_and_no_command_line(
    tmp_path: Path, sshd: Sshd, mark: str
) -> None:
    script = 'test "${#NPM_TOKEN}" -gt 20 && echo up; sleep 600'
    work = sshd.work("sh", "-c", script)
    use = SecretUse(name=SecretName("NPM_TOKEN"))

    async with house_with(tmp_path, "NPM_TOKEN", mark) as house:
        reported, _ = await begun(house, work, secrets=(use,))
        seen = processes_with(mark)
        house.commands.stop(a_key())
        await reported.report()

    assert seen == []


async def test_files_go_there_and_come_back(house: House, sshd: Sshd, tmp_path: Path) -> None:
    script = "printf '#!/bin/sh\\ntr a-z A-Z <$1 >$2\\n' >tool; chmod +x tool; printf hello >text"
    await house.good(Exec(shell=script))
    there = tmp_path / "there"
    there.mkdir()
    work = sshd.work(
        "./tool",
        "text",
        "made",
        dir=str(there),
        upload=tuple(FileCopy(source=one, target=f"{there}/{one}") for one in ("tool", "text")),
        download=(FileCopy(source=f"{there}/made", target="new/made"),),
    )

    await house.good(work)

    assert (house.space / "new/made").read_text() == "HELLO"
    assert sorted(path.name for path in there.iterdir()) == ["made", "text", "tool"]
    assert f"to {there}/text, 5 bytes" in house.printed


async def test_file_with_holes_arrives_whole(house: House, sshd: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "there"
    script = "printf begin >holes && truncate --size 1M holes"
    await house.good(Exec(shell=script))
    work = sshd.work(
        upload=(FileCopy(source="holes", target=str(there)),),
        download=(FileCopy(source=str(there), target="back"),),
    )

    await house.good(work)

    whole = b"begin" + bytes(1024 * 1024 - 5)
    assert there.read_bytes() == whole
    assert (house.space / "back").read_bytes() == whole


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        ({"upload": (FileCopy(source="none", target="/tmp/x"),)}, "was not uploaded"),
        ({"upload": (FileCopy(source=".", target="/tmp/x"),)}, "is not a plain file"),
        ({"download": (FileCopy(source="/nonexistent", target="x"),)}, "was not downloaded"),
    ],
)
async def test_file_that_cannot_be_copied_is_bad(
    house: House, sshd: Sshd, copy: dict[str, object], said: str
) -> None:
    printed = await house.bad(sshd.work(**copy))

    assert said in printed


async def test_file_that_a_failed_command_did_not_make_hides_no_status(
    house: House, sshd: Sshd
) -> None:
    copy = FileCopy(source="/nonexistent", target="x")

    report = await house.run(sshd.work("sh", "-c", "exit 3", download=(copy,)))

    assert isinstance(report, Exited)
    assert report.status == 3


@pytest.mark.parametrize("key", ["upload", "download"])
async def test_file_out_of_the_workspace_is_copied_nowhere(
    house: House, sshd: Sshd, key: str
) -> None:
    copy = FileCopy(source=data("../../etc/passwd"), target=data("../../x"))

    report = await house.run(sshd.work("true", **{key: (copy,)}))

    assert isinstance(report, Failed)
    assert "leads out of the workspace" in report.why


# --- login and known hosts


async def test_host_that_is_not_known_is_named_with_its_fingerprint(
    house: House, sshd: Sshd, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    known.touch()

    report = await house.run(sshd.work("true", known_hosts=str(known)))

    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", str(sshd.folder / "host.pub")], capture_output=True, text=True
    ).stdout.split()[1]
    assert isinstance(report, Exited)
    assert report.status == 255
    assert f"the key of the host [127.0.0.1]:{sshd.port} is not known" in house.printed
    assert f"ssh-ed25519 {fingerprint}" in house.printed


async def test_what_the_output_shows_about_an_unknown_host_helps(
    house: House, sshd: Sshd, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    known.touch()
    printed = await failed(house, sshd.work("true", known_hosts=str(known)))
    add = printed.partition("then add it: ")[2].strip()
    subprocess.run(["sh", "-c", add], check=True, capture_output=True)

    await house.good(sshd.work("true", known_hosts=str(known)))


async def test_host_whose_key_has_changed_gets_nothing(
    house: House, sshd: Sshd, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    key = (sshd.folder / "other.pub").read_text().rsplit(" ", 1)[0]
    known.write_text(f"[127.0.0.1]:{sshd.port} {key}\n")

    printed = await failed(house, sshd.work("touch", str(tmp_path / "ran"), known_hosts=str(known)))

    assert f"THE KEY OF THE HOST [127.0.0.1]:{sshd.port} HAS CHANGED" in printed
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}' -f {known}" in printed
    assert not (tmp_path / "ran").exists()


async def test_key_of_a_different_kind_is_a_changed_key(
    house: House, sshd: Sshd, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    argv = ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(tmp_path / "ecdsa")]
    subprocess.run(argv, check=True)
    key = (tmp_path / "ecdsa.pub").read_text().rsplit(" ", 1)[0]
    known.write_text(f"[127.0.0.1]:{sshd.port} {key}\n")

    printed = await failed(house, sshd.work("true", known_hosts=str(known)))

    assert "HAS CHANGED" in printed


async def test_revoked_key_is_refused(house: House, sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(f"{sshd.known.read_text()}@revoked {sshd.known.read_text()}")

    printed = await failed(house, sshd.work("true", known_hosts=str(known)))

    assert "key is revoked" in printed


async def test_known_hosts_of_the_user_are_read_by_default(
    house: House, sshd: Sshd, tmp_path: Path
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/known_hosts").write_text(sshd.known.read_text())

    await house.good(sshd.work("true", known_hosts=""), env=(f"HOME={tmp_path}",))


async def test_file_of_known_hosts_that_is_missing_is_named(
    house: House, sshd: Sshd, tmp_path: Path
) -> None:
    printed = await failed(house, sshd.work("true", known_hosts=str(tmp_path / "none")))

    assert f"the file of known hosts {tmp_path}/none is not there" in printed


async def test_refused_login_names_the_key(house: House, sshd: Sshd) -> None:
    printed = await failed(house, sshd.work("true", key_file=str(sshd.folder / "other")))

    assert f"it was shown the key file {sshd.folder}/other" in printed


async def test_key_of_the_agent_is_used(house: House, sshd: Sshd, tmp_path: Path) -> None:
    sock = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.PIPE) as agent:
        assert agent.stdout
        agent.stdout.readline()
        env = {**os.environ, "SSH_AUTH_SOCK": str(sock)}
        subprocess.run(["ssh-add", "-q", str(sshd.key)], env=env, check=True, capture_output=True)

        work = sshd.work("true", key_file="")
        report = await house.run(work, env=(f"SSH_AUTH_SOCK={sock}", f"HOME={tmp_path}"))
        agent.terminate()

    assert isinstance(report, Exited)
    assert report.status == 0, house.printed


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), ("nonsense", "is not a private key")]
)
async def test_key_file_that_cannot_be_used_is_named(
    house: House, sshd: Sshd, tmp_path: Path, content: str | None, said: str
) -> None:
    key = tmp_path / "key"
    if content:
        key.write_text(content)

    printed = await failed(house, sshd.work("true", key_file=str(key)))

    assert (said in printed, str(key) in printed) == (True, True)


async def test_key_file_with_a_passphrase_is_explained(
    house: House, sshd: Sshd, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(key)]
    subprocess.run(argv, check=True)

    printed = await failed(house, sshd.work("true", key_file=str(key)))

    assert f"the key file {key} has a passphrase" in printed


# --- what ends with an attempt


async def test_far_processes_end_when_the_attempt_is_stopped(
    house: House, sshd: Sshd, mark: str
) -> None:
    reported, _ = await begun(house, endless(sshd, mark))

    house.commands.stop(a_key())

    assert isinstance(await reported.report(), Stopped)
    assert processes_with(mark) == []


async def test_far_processes_end_at_the_timeout(house: House, sshd: Sshd, mark: str) -> None:
    report = await house.run(endless(sshd, mark), timeout_s=3.0)

    assert isinstance(report, Failed)
    assert report.cause == "timeout"
    await until_gone(mark)


async def test_far_process_that_ignores_term_is_killed(house: House, sshd: Sshd, mark: str) -> None:
    script = "trap '' TERM; echo up; while :; do sleep 0.1; done"
    reported, _ = await begun(house, sshd.work("sh", "-c", script, mark), grace_s=2.0)

    house.commands.stop(a_key())

    assert isinstance(await reported.report(), Stopped)
    await until_gone(mark)


async def test_far_processes_end_when_floes_process_is_killed(
    house: House, sshd: Sshd, mark: str
) -> None:
    reported, _ = await begun(house, endless(sshd, mark, env=(f"MARK={mark}",)))

    os.kill(program(mark), signal.SIGKILL)

    report = await reported.report()
    assert isinstance(report, Exited)
    assert report.status == 128 + signal.SIGKILL
    await until_gone(mark)


# --- broken connections


async def through(sshd: Sshd, cable: Cable, known: Path, url: str) -> dict[str, object]:
    port = int(url.rpartition(":")[2])
    known.write_text(sshd.known.read_text().replace(str(sshd.port), str(port)))
    return {"port": port, "known_hosts": str(known)}


async def test_connection_that_is_reset_ends_both_sides(
    house: House, sshd: Sshd, tmp_path: Path, mark: str
) -> None:
    cable = Cable(sshd.port)
    async with serving(cable.carry) as url:
        where = await through(sshd, cable, tmp_path / "known", url)
        reported, output = await begun(house, endless(sshd, mark, **where))

        cable.reset()
        report = await reported.report()
        await until_gone(mark)

    assert isinstance(report, Exited)
    assert report.status == 255
    assert "the connection was lost before the command ended" in output.read_text()


async def test_connection_that_falls_silent_ends_both_sides(
    house: House, sshd: Sshd, tmp_path: Path, mark: str
) -> None:
    cable = Cable(sshd.port)
    async with serving(cable.carry) as url:
        where = await through(sshd, cable, tmp_path / "known", url)
        reported, output = await begun(house, endless(sshd, mark, **where, keepalive_s=0.5))

        cable.cut()
        report = await reported.report()
        await until_gone(mark)  # the server still believes in the connection

    assert isinstance(report, Exited)
    assert report.status == 255
    assert "the connection was lost before the command ended" in output.read_text()


async def test_server_that_says_nothing_is_given_up(house: House, sshd: Sshd) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as url:
        port = int(url.rpartition(":")[2])
        printed = await failed(house, sshd.work("true", port=port, connect_timeout_s=0.3))

    assert f"the key exchange with 127.0.0.1, port {port} was not complete within 0.3 s" in printed


async def test_banner_that_never_ends_is_given_up(house: House, sshd: Sshd) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"welcome\r\n" * 100)
            await writer.drain()

    async with serving(endless) as url:
        port = int(url.rpartition(":")[2])
        printed = await failed(house, sshd.work("true", port=port, connect_timeout_s=30.0))

    assert "floe: no " in printed


async def test_server_that_resets_is_named(house: House, sshd: Sshd) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with serving(reset) as url:
        port = int(url.rpartition(":")[2])
        printed = await failed(house, sshd.work("true", port=port))

    assert f"no connection to 127.0.0.1, port {port}" in printed


async def test_host_that_is_no_name_starts_nothing(house: House, sshd: Sshd) -> None:
    report = await house.run(sshd.work("true", host=data("-oProxyCommand=touch pwned")))

    assert isinstance(report, Failed)
    assert report.cause == "start"


async def test_value_that_would_be_an_option_starts_nothing(house: House, sshd: Sshd) -> None:
    report = await house.run(sshd.work(argv=("tar", "-x", "-f", "a.tar", data("--to-command=x"))))

    assert isinstance(report, Failed)
    assert report.cause == "start"
