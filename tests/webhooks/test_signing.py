"""Signatures are those of Standard Webhooks."""

from base64 import b64decode

from webhooks.signing import new_secret, signed

# The example of the standard's reference implementations.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_is_signed_as_in_the_standards_example() -> None:
    assert signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [SECRET]) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_each_secret_adds_a_signature() -> None:
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [new_secret(), SECRET])
    first, second = headers["webhook-signature"].split(" ")
    assert second == SIGNATURE
    assert first.startswith("v1,")
    assert first != second


def test_a_secret_is_random_and_as_long_as_the_standard_wants() -> None:
    found = {new_secret() for _ in range(100)}
    assert len(found) == 100
    assert all(24 <= len(b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64 for secret in found)
