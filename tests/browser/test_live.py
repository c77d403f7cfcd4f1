"""What a person sees of the service, in a real browser."""

import re
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright is not installed; 'make install' does")

from playwright.sync_api import expect

from snnlab.events.anomaly import Anomaly
from snnlab.serving.untrained import Untrained
from snnlab.viz.raster import LiveRaster

NETWORK = {"network": {"layers": [{"type": "input"}, {"type": "reservoir", "neurons": 64}, {"type": "readout"}]}}
COLOURS = """canvas => {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) seen.add(data.slice(at, at + 3).join());
  return seen.size;
}"""


def unexplained(tab):
    """Complaints of the browser, but for those about a service that has ended."""
    return [one for one in tab.complaints if "WebSocket" not in one and "ERR_CONNECTION_REFUSED" not in one]


def until_painted(page, least):
    page.wait_for_function(f"[...document.querySelectorAll('canvas')].some(canvas => ({COLOURS})(canvas) > {least})")


def test_a_network_and_its_anomalies_are_seen_as_they_come(tab, service):
    page = tab.page
    with service.serving() as url:
        page.goto(url)
        expect(page).to_have_url(f"{url}/live")
        expect(page.get_by_role("status")).to_have_text("live")
        expect(page.get_by_text("None yet on this stream.")).to_be_visible()
        expect(page.get_by_label("Model")).to_have_value(service.model)
        expect(page.get_by_label("Stream")).to_have_value("hosts")
        blank = page.locator("canvas").evaluate(COLOURS)
        for _ in range(5):
            service.feed(100)
            page.wait_for_timeout(150)
        service.feed(200, burst=150)
        expect(page.get_by_role("listitem").first).to_be_visible()
        expect(page.locator("#pace")).to_have_text(re.compile(r"\d+"))
        expect(page.locator("#last")).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
        until_painted(page, blank + 20)
        (_, told), *_ = service.bus.consume_anomalies("hosts")
        card = page.get_by_role("listitem").filter(has_text=told.explanation).first
        expect(card.get_by_role("heading")).to_have_text(told.anomaly_type.replace("_", " "))
        expect(card).to_contain_text(f"{told.severity:.2f}")
        card.get_by_text("What to do").click()
        for action in told.recommended_actions:
            expect(card.get_by_text(action)).to_be_visible()
        expect(card.get_by_text(told.anomaly_id)).to_be_visible()
        named = page.get_by_role("img").get_attribute("aria-label")
        assert re.search(r"Firing of \d+ populations", named)
        box = page.locator("canvas").bounding_box()
        page.mouse.move(box["x"] + box["width"] - 60, box["y"] + 200)
        expect(page.locator("#reading")).to_have_text(re.compile(r"Bucket \d+, \d+\.\d s ago"))
        page.get_by_role("button", name="Pause").press("Enter")
        expect(page.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")
    assert all(one.startswith((url, "data:")) for one in tab.asked)
    assert unexplained(tab) == []


def test_a_service_with_a_key_asks_for_it_and_keeps_it_to_the_tab(tab, service):
    page, key = tab.page, "geheim/+ü"
    with service.serving(key) as url:
        page.goto(f"{url}/live")
        expect(page.get_by_role("status")).to_have_text("a key is needed")
        expect(page.locator("main")).to_be_hidden()
        field = page.get_by_label("This service asks for its key")
        field.fill("another")
        field.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("no valid key")
        field.fill(key)
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("status")).to_have_text("live")
        service.feed(200, burst=150)
        expect(page.get_by_role("listitem").first).to_be_visible()
        page.reload()
        expect(page.get_by_role("status")).to_have_text("live")
        assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
        assert key not in page.content()
        assert all("geheim" not in asked for asked in tab.asked)
        other = tab.context.new_page()
        other.goto(f"{url}/live")
        expect(other.get_by_role("status")).to_have_text("a key is needed")


def test_a_key_that_was_changed_is_asked_for_anew(tab, service):
    page = tab.page
    with service.serving("first") as url:
        page.clock.install()
        page.goto(f"{url}/live")
        page.get_by_label("This service asks for its key").fill("first")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("status")).to_have_text("live")
    expect(page.get_by_role("status")).to_have_text("connection lost, trying again")
    with service.serving("second"):
        page.clock.run_for(11_000)
        expect(page.get_by_role("status")).to_have_text("a key is needed")
        expect(page.get_by_role("alert")).to_contain_text("no valid key")
        page.get_by_label("This service asks for its key").fill("second")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("status")).to_have_text("live")
        service.feed(200, burst=150)
        expect(page.locator("#anomalies > li").first).to_be_visible()


@pytest.fixture
def anomaly(service):
    def of(name, second, severity, model=service.model):
        return Anomaly(name, int(second * 1e6), "latency_spike", severity, model=model, stream="hosts")

    return of


def test_a_lost_connection_is_found_again_and_nothing_is_missed_or_told_twice(tab, service, anomaly):
    page = tab.page
    with service.serving() as url:
        page.goto(f"{url}/live")
        expect(page.get_by_role("status")).to_have_text("live")
        service.bus.publish_anomalies("hosts", [anomaly("a1", 1, 0.5)])
        expect(page.locator("#anomalies > li")).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("connection lost, trying again")
    service.bus.publish_anomalies("hosts", [anomaly("a2", 2, 0.95), anomaly("b2", 2, 0.95, "other")])
    with service.serving():
        expect(page.get_by_role("status")).to_have_text("live")
        expect(page.locator("#anomalies > li")).to_have_count(2)
        expect(page.locator("#anomalies > li").first).to_contain_text("critical 0.95")
        service.bus.publish_anomalies("hosts", [anomaly("a3", 1.5, 0.1)])
        expect(page.locator("#anomalies > li")).to_have_count(3)
        expect(page.locator("#anomalies > li").nth(1)).to_contain_text("low 0.10")
        expect(page.locator("#anomalies")).not_to_contain_text("b2")  # of another model


def test_posted_events_are_seen_as_well_and_models_that_come_later(tab, service):
    page = tab.page
    with service.serving() as url:
        page.clock.install()
        page.goto(f"{url}/live")
        expect(page.get_by_role("status")).to_have_text("live")
        with page.expect_response(re.compile("/api/v1/anomalies.*stream=&")):  # what is told from here on is new
            page.get_by_label("Stream").select_option("posted events")
        expect(page.get_by_role("status")).to_have_text("live")
        assert service.application.score(service.model, service.events(200, 9000, burst=150)).anomalies
        page.clock.run_for(3_000)
        expect(page.locator("#anomalies > li").first).to_be_visible()
        expect(page.locator("#count")).not_to_have_text("0")
        later = service.application.create_model(
            Untrained("performance", name="later", features=("cpu",), neuromorphic=NETWORK)
        )
        page.clock.run_for(11_000)
        expect(page.get_by_label("Model").locator("option")).to_have_count(2)
        expect(page.get_by_label("Stream")).to_have_value("")
        page.get_by_label("Model").select_option(later.model_id)
        expect(page.get_by_text("None yet on this stream.")).to_be_visible()
    assert unexplained(tab) == []


def test_what_producers_write_is_text_and_no_page_of_theirs(tab, service):
    page, evil = tab.page, "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    with service.serving() as url:
        page.goto(f"{url}/live")
        expect(page.get_by_role("status")).to_have_text("live")
        told = Anomaly("a1", 1, evil, 0.5, (), (evil,), (evil,), evil, service.model, "hosts", 1.0, evil)
        beyond = replace(told, anomaly_id="a2", detected_at=2**63 - 1, explanation="in no calendar")
        service.bus.publish_anomalies("hosts", [beyond, told])
        expect(page.locator("#anomalies > li")).to_have_count(2)
        expect(page.locator("#anomalies > li").first).to_contain_text("in no calendar")
        page.reload()  # the page then asks for what was told before
        service.application.store.put_anomalies([beyond, told])
        page.reload()
        expect(page.locator("#anomalies > li")).to_have_count(2)
        card = page.locator("#anomalies > li").last
        expect(card.locator(".why")).to_have_text(evil)
        expect(card.locator("img, script")).to_have_count(0)
        assert page.title() == "snnlab live"


def test_the_page_is_dark_where_the_reader_is(tab, service):
    page = tab.page
    ground = "getComputedStyle(document.body).backgroundColor"
    with service.serving() as url:
        page.emulate_media(color_scheme="light")
        page.goto(f"{url}/live")
        light = page.evaluate(ground)
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(ground) != light
        page.set_viewport_size({"width": 380, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
    assert unexplained(tab) == []


def test_the_reference_tells_every_route_and_asks_nobody_else(tab, service):
    page = tab.page
    with service.serving() as url:
        page.goto(f"{url}/docs")
        expect(page.get_by_role("heading", name="models")).to_be_visible()
        spec = page.evaluate("fetch('/openapi.json').then(answer => answer.json())")
        routes = sum(len(item) for item in spec["paths"].values())
        expect(page.locator("details")).to_have_count(routes)
        page.locator("summary", has_text="Create new SNN model").click()
        expect(page.get_by_text("security, performance, business or sensor")).to_be_visible()
    assert all(one.startswith((url, "data:")) for one in tab.asked)
    assert tab.complaints == []


def test_a_notebook_shows_the_same_raster_without_a_server(tab):
    rng = np.random.default_rng(1)
    anomaly = np.arange(3000) % 500 == 0
    shown = LiveRaster(rng.random((3000, 16)) / 10, anomaly, np.where(anomaly, 0.95, 0.0))
    tab.page.set_content(shown._repr_html_())
    frame = tab.page.frames[1]
    frame.wait_for_function(f"({COLOURS})(document.querySelector('canvas')) > 50")
    assert tab.complaints == []
