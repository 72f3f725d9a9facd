"""AWS KMS as `moto` has it (Encrypt, Decrypt and DescribeKey with a real AES-GCM and the encryption context), behind a check that
moto leaves out: the signature of every request is computed again by botocore, AWS's own client, from the secret key in
`DIR/credentials`; a wrong one, or a time more than five minutes off, is refused as AWS refuses it.

Orders: `make` (`spec`, `usage` and attributes of the key), `id` (attributes that change), `throttle` (how many refusals)."""

import configparser
import datetime
import io
import json
import os
import re
import threading
from http.server import ThreadingHTTPServer
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="eu-central-1", MOTO_ACCOUNT_ID="111122223333")

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.kms.models import kms_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

REGION = "eu-central-1"


def error(start, status, name, message):
    text = json.dumps({"__type": f"com.amazonaws.kms#{name}", "message": message}).encode()
    start(status, [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(text)))])
    return [text]


def wrong(folder, env, body, now):
    """The name of what is wrong with a signature."""
    said = env.get("HTTP_AUTHORIZATION", "")
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/kms/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})", said)
    if not found:
        return "MissingAuthenticationTokenException"
    known = configparser.ConfigParser(interpolation=None)
    known.read(folder / "credentials")
    known = known["default"]
    access, _, region, names, _ = found.groups()
    if access != known["aws_access_key_id"] or region != REGION:
        return "UnrecognizedClientException"
    if env.get("HTTP_X_AMZ_SECURITY_TOKEN") != known.get("aws_session_token"):
        return "UnrecognizedClientException"
    names = names.split(";")
    if not {"host", "x-amz-date", "x-amz-target", "content-type"} <= set(names):
        return "IncompleteSignature"
    header = lambda name: env["CONTENT_TYPE"] if name == "content-type" else env["HTTP_" + name.upper().replace("-", "_")]
    request = AWSRequest("POST", f"http://{env['HTTP_HOST']}/", data=body, headers={n: header(n) for n in names if n != "x-amz-security-token"})
    # The token stands with the credentials, from where botocore signs it too.
    signer = SigV4Auth(Credentials(access, known["aws_secret_access_key"], known.get("aws_session_token")), "kms", REGION)
    if known.get("aws_session_token"):
        request.headers["X-Amz-Security-Token"] = known["aws_session_token"]
    stamp = env["HTTP_X_AMZ_DATE"]
    at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if abs((now - at).total_seconds()) > 300:
        return "InvalidSignatureException"
    request.context["timestamp"] = stamp
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    ours = f"SignedHeaders={';'.join(sorted(names))}, Signature={signer.signature(to_sign, request)}"
    return None if said.endswith(ours) else "InvalidSignatureException"


def server(folder, skew):
    moto = DomainDispatcherApplication(create_backend_app)
    lock, throttle = threading.Lock(), [0]

    def app(env, start):
        body = env["wsgi.input"].read(int(env.get("CONTENT_LENGTH") or 0))
        with lock:
            with open(folder / "requests", "a") as log:
                print(env["REQUEST_METHOD"], env["PATH_INFO"], env.get("HTTP_X_AMZ_TARGET"), file=log)
            now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=skew)
            if why := wrong(folder, env, body, now):
                return error(start, "400 Bad Request", why, "the tests say no")
            if throttle[0] > 0:
                throttle[0] -= 1
                return error(start, "400 Bad Request", "ThrottlingException", "Rate exceeded")
        env["wsgi.input"] = io.BytesIO(body)
        return moto(env, start)

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    class Threaded(ThreadingHTTPServer, WSGIServer):
        daemon_threads = True

    def order(wish):
        backend = kms_backends["111122223333"][REGION]
        with lock:
            if "throttle" in wish:
                throttle[0] = wish["throttle"]
                return {}
            if "make" in wish:
                wish = wish["make"]
                key = backend.create_key(policy=None, key_usage=wish.pop("usage", "ENCRYPT_DECRYPT"), key_spec=wish.pop("spec", "SYMMETRIC_DEFAULT"),
                                         description="", tags=[], multi_region=False)
            else:
                key = backend.keys[wish.pop("id")]
            for name, value in wish.items():
                setattr(key, name, value)
            return {"arn": key.arn, "id": key.id}

    made = Threaded(("127.0.0.1", 0), Quiet)
    made.set_app(app)
    return made, order
