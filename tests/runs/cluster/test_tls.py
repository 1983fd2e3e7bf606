"""Between machines all is encrypted, and who has no certificate is not heard."""

import os
import shutil
import subprocess
from functools import partial

import dask
import pytest
from distributed.security import Security

from causalopt import SweepError, run, sweep
from tests.runs.cluster.asked import k, room
from tests.runs.cluster.elsewhere import connect, scheduler_with_workers

GRID = {k: [0.01, 0.02, 0.05]}


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A certificate that signs itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate")
    folder = tmp_path_factory.mktemp("signed")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=causalopt", "-keyout", key, "-out", cert], check=True, capture_output=True,
    )  # fmt: skip
    os.chmod(key, 0o600)
    return cert, key


@pytest.mark.long
def test_a_sweep_by_tls_and_none_without_it(signed, tmp_path, monkeypatch):
    cert, key = map(str, signed)
    words = ["--tls-ca-file", cert, "--tls-cert", cert, "--tls-key", key]
    security = Security(
        tls_ca_file=cert, tls_client_cert=cert, tls_client_key=key, require_encryption=True
    )
    ask = partial(run, room.world(5))
    with scheduler_with_workers(tmp_path, 1, secured=words) as (_, told):
        with connect(told, security=security) as client:
            address = client.scheduler.address
            kept = sweep(ask, GRID, store=tmp_path / "x.zarr", client=client)
            everybody = [address, *client.scheduler_info()["workers"]]
        assert kept.data.load().identical(ask(over=GRID))
        assert all(name.startswith("tls://") for name in everybody)
        # By its address, where the certificate is in dask's own configuration.
        files = {"ca-file": cert, "client.cert": cert, "client.key": key}
        with dask.config.set({f"distributed.comm.tls.{name}": files[name] for name in files}):
            again = sweep(ask, GRID, store=tmp_path / "y.zarr", client=address)
        assert again.data.load().identical(kept.data.load())
        # Who has none is told, and nothing is made.
        monkeypatch.setattr("causalopt.runs.cluster.engine._ANSWER", 2)
        for other in (address, address.replace("tls://", "tcp://")):
            with pytest.raises(SweepError, match=f"No scheduler answers at {other}"):
                sweep(ask, GRID, store=tmp_path / "z.zarr", client=other)
        assert not (tmp_path / "z.zarr").exists()
