// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/frame_merge.h"

#include <doctest/doctest.h>

#include "detect/model/host_view.h"

using namespace hostmedic;

namespace {

MonoTime second(int n) { return mono_from_ns(n * 1'000'000'000LL); }
const Entity kHost{EntityKind::host, ""}, kWeb{EntityKind::service, "web.service"};

// A source with ids of its own: the host is 0, then one entity with one series each.
struct Source {
  Frame first(int at, std::vector<Entity> entities) {
    Frame frame = next(at);
    frame.first = true;
    for (std::uint32_t i = 0; i < entities.size(); ++i) {
      frame.entities.push_back({EntityId{i}, entities[i]});
      frame.series.push_back({SeriesId{i}, EntityId{i}, metric, "", Unit::count, Instrument::gauge});
    }
    return frame;
  }
  Frame next(int at) {
    Frame frame;
    frame.sequence = sequence++;
    frame.mono = second(at);
    return frame;
  }
  Frame value(int at, std::uint32_t series, double number) {
    Frame frame = next(at);
    frame.samples.push_back({SeriesId{series}, number});
    return frame;
  }
  std::string metric;
  std::uint64_t sequence = 7;
};

struct Receiver {
  void see(const Frame& frame) {
    if (last) CHECK(frame.mono >= *last);
    last = frame.mono;
    firsts += frame.first;
    view.apply(frame);
  }
  HostView view;
  std::optional<MonoTime> last;
  int firsts = 0;
};

struct Merged {
  FrameMerge merge;
  Receiver receiver;
  Source probe{"a"}, checks{"b"};
  Merged() {
    receiver.see(merge.take(0, probe.first(1, {kHost, kWeb})));
    receiver.see(merge.take(1, checks.first(1, {kHost, {EntityKind::endpoint, "tcp://db"}, kWeb})));
  }
};

}  // namespace

TEST_CASE("merge: two sources become one stream, and what both name is one entity") {
  Merged m;
  CHECK(m.receiver.firsts == 1);
  CHECK(m.receiver.view.entity_count() == 3);
  CHECK(m.receiver.view.series_count() == 5);
  m.receiver.see(m.merge.take(0, m.probe.value(2, 1, 10)));
  m.receiver.see(m.merge.take(1, m.checks.value(2, 2, 20)));
  CHECK(m.receiver.view.value(kWeb, "a") == 10);
  CHECK(m.receiver.view.value(kWeb, "b") == 20);
}

TEST_CASE("merge: numbers of frames follow each other, a gap stays a gap, and time does not run backwards") {
  Merged m;
  const std::uint64_t before = m.merge.take(0, m.probe.next(5)).sequence;
  CHECK(m.merge.take(1, m.checks.next(4)).sequence == before + 1);
  CHECK(m.merge.take(1, m.checks.next(4)).mono == second(5));
  (void)m.probe.next(6);  // lost on its way
  CHECK(m.merge.take(0, m.probe.next(7)).sequence == before + 4);
}

TEST_CASE("merge: a source that starts again keeps its entities; what it does not name again goes after a while") {
  Merged m;
  m.receiver.see(m.merge.take(0, m.probe.value(2, 1, 10)));
  m.receiver.see(m.merge.take(1, m.checks.value(2, 1, 1)));
  const auto web = m.receiver.view.find(kWeb);
  Source again{"a"};
  m.receiver.see(m.merge.take(0, again.first(3, {kHost, {EntityKind::service, "new.service"}, kWeb})));
  CHECK(m.receiver.firsts == 1);
  CHECK(m.receiver.view.find(kWeb) == web);
  CHECK(!m.receiver.view.value(kWeb, "a"));
  m.receiver.see(m.merge.take(0, again.value(4, 2, 11)));
  CHECK(m.receiver.view.value(kWeb, "a") == 11);

  Source once_more{"b"};
  m.receiver.see(m.merge.take(1, once_more.first(5, {kHost})));
  m.receiver.see(m.merge.take(1, once_more.next(34)));
  CHECK(m.receiver.view.find({EntityKind::endpoint, "tcp://db"}));
  m.receiver.see(m.merge.take(1, once_more.next(35)));
  CHECK(!m.receiver.view.find({EntityKind::endpoint, "tcp://db"}));
  CHECK(m.receiver.view.find(kWeb) == web);  // the probe still names it
  CHECK(m.receiver.view.value(kWeb, "a") == 11);
}

TEST_CASE("merge: series that a source does not name again, when it starts again, make room for new ones") {
  Merged m;
  const std::size_t before = m.receiver.view.series_count();
  for (int start = 1; start <= 50; ++start) {
    Source again{"a" + std::to_string(start)};
    m.receiver.see(m.merge.take(0, again.first(start * 100, {kHost, kWeb})));
    m.receiver.see(m.merge.take(0, again.value(start * 100 + 40, 1, start)));
    CHECK(m.receiver.view.value(kWeb, "a" + std::to_string(start)) == start);
    CHECK(!m.receiver.view.value(kWeb, "a" + std::to_string(start - 1)));
  }
  CHECK(m.receiver.view.series_count() <= before + 2);
  m.receiver.see(m.merge.take(1, m.checks.value(6000, 2, 20)));
  CHECK(m.receiver.view.value(kWeb, "b") == 20);  // of another source
  m.merge.restart();
  Receiver anew;
  anew.see(m.merge.take(0, Source{"a50", 9}.next(6001)));
  CHECK(anew.view.series_count() == before);
}

TEST_CASE("merge: what a lost source said is unknown, what others said stays") {
  Merged m;
  m.receiver.see(m.merge.take(0, m.probe.value(2, 1, 10)));
  m.receiver.see(m.merge.take(1, m.checks.value(2, 2, 20)));
  m.receiver.see(m.merge.lost(0));
  CHECK(!m.receiver.view.value(kWeb, "a"));
  CHECK(m.receiver.view.value(kWeb, "b") == 20);
}

TEST_CASE("merge: an entity goes when its last source retires it, and its ids are used again") {
  Merged m;
  Frame gone = m.probe.next(2);
  gone.gone.push_back(EntityId{1});
  m.receiver.see(m.merge.take(0, gone));
  CHECK(m.receiver.view.find(kWeb));
  gone = m.checks.next(3);
  gone.gone = {EntityId{2}};
  m.receiver.see(m.merge.take(1, gone));
  CHECK(!m.receiver.view.find(kWeb));
  Frame back = m.checks.next(4);
  back.entities.push_back({EntityId{9}, kWeb});
  back.series.push_back({SeriesId{9}, EntityId{9}, "b", "", Unit::count, Instrument::gauge});
  back.samples.push_back({SeriesId{9}, 1});
  m.receiver.see(m.merge.take(1, back));
  CHECK(m.receiver.view.value(kWeb, "b") == 1);
  CHECK(m.receiver.view.entity_count() == 3);
  // An event or a sample of what was never defined is left out.
  Frame odd = m.probe.next(5);
  odd.events.push_back({EventKind::oom_kill, EntityId{77}, second(5), {}});
  odd.samples.push_back({SeriesId{77}, 1});
  const Frame& merged = m.merge.take(0, odd);
  CHECK(merged.events.empty());
  CHECK(merged.samples.empty());
  CHECK(m.merge.refused() == 1);
}

TEST_CASE("merge: a receiver that starts anew is told everything") {
  Merged m;
  m.receiver.see(m.merge.take(0, m.probe.value(2, 1, 10)));
  m.merge.restart();
  Receiver other;
  other.see(m.merge.take(1, m.checks.value(3, 2, 20)));
  CHECK(other.firsts == 1);
  CHECK(other.view.series_count() == 5);
  CHECK(other.view.value(kWeb, "b") == 20);
  other.see(m.merge.take(0, m.probe.value(4, 1, 12)));
  CHECK(other.firsts == 1);
  CHECK(other.view.value(kWeb, "a") == 12);
}
