"""The programs that make vectors: OpenAI's client, and what LangChain and LlamaIndex make of it."""

from collections.abc import Callable, Sequence
from typing import Any

import openai
import pytest
from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.openai import OpenAIEmbedding
from rig import Gateway, Upstream

TABLE = "vectors"
CLIENTS = {
    "openai": "openai",
    "langchain-openai` `OpenAIEmbeddings": "langchain-openai",
    "llama-index-embeddings-openai": "llama-index-embeddings-openai",
}
MODEL = "openai/text-embedding-3-small"
OTHERS = ["sim/status-502", MODEL]
TEXTS = ["one", "two", "three"]
Vectors = Sequence[Sequence[float]]
Embed = Callable[..., Vectors]


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def embed(client: str, gateway: Gateway) -> Embed:
    def by_openai(texts: Sequence[str], model: str = MODEL, key: str = gateway.key, **fields: Any) -> Vectors:
        with openai.OpenAI(base_url=gateway.v1, api_key=key) as asked:
            rows = asked.embeddings.create(model=model, input=list(texts), extra_body=fields).data
        return [row.embedding for row in rows]

    def by_langchain(
        texts: Sequence[str], model: str = MODEL, key: str = gateway.key, **fields: Any
    ) -> Vectors:
        # Without the option it sends tokens of OpenAI's own models.
        options: dict[str, Any] = {
            "check_embedding_ctx_length": False,
            "model_kwargs": {"extra_body": fields},
        }
        asked = OpenAIEmbeddings(model=model, base_url=gateway.v1, api_key=key, **options)
        return asked.embed_documents(list(texts))

    def by_llama_index(
        texts: Sequence[str], model: str = MODEL, key: str = gateway.key, **fields: Any
    ) -> Vectors:
        options: dict[str, Any] = {"max_retries": 0, "additional_kwargs": {"extra_body": fields}}
        asked = OpenAIEmbedding(model_name=model, api_base=gateway.v1, api_key=key, **options)
        return asked.get_text_embedding_batch(list(texts))

    return dict(zip(CLIENTS, (by_openai, by_langchain, by_llama_index), strict=True))[client]


@pytest.mark.shows("one text")
def test_it_gets_a_vector(embed: Embed) -> None:
    (vector,) = embed(["one"])
    assert len(vector) == 1536


@pytest.mark.shows("batch")
def test_it_gets_the_vectors_of_a_batch_in_their_order(embed: Embed) -> None:
    together = embed(TEXTS)
    assert [list(row) for row in together] == [list(embed([text])[0]) for text in TEXTS]


@pytest.mark.shows("floats")
def test_it_reads_floats_as_it_reads_base64(embed: Embed) -> None:
    floats, base64 = (embed(["one"], encoding_format=form)[0] for form in ("float", "base64"))
    assert list(floats) == pytest.approx(list(base64), abs=1e-6)


@pytest.mark.shows("errors")
def test_a_wrong_key_is_openais_authentication_error(embed: Embed) -> None:
    with pytest.raises(openai.AuthenticationError):
        embed(["one"], key="wrong")


@pytest.mark.shows("failed answers")
@pytest.mark.parametrize("model", ["sim/vectors-fewer", "sim/vectors-empty", "sim/vectors-unequal"])
def test_an_answer_that_is_not_whole_is_openais_error(model: str, embed: Embed) -> None:
    with pytest.raises(openai.InternalServerError):
        embed(TEXTS, model=model)


@pytest.mark.shows("no other model")
def test_another_model_is_openais_bad_request_error(embed: Embed, upstream: Upstream) -> None:
    with pytest.raises(openai.BadRequestError):
        embed(TEXTS, model=OTHERS[0], models=OTHERS[1:])
    assert upstream.models() == []
