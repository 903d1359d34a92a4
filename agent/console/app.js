// SPDX-License-Identifier: Apache-2.0
// The aggregator's page. Text from hosts reaches the document as text nodes only, never as markup.
'use strict';

const REFRESH_MS = 3000;
const PAGE = 100;

const byId = (id) => document.getElementById(id);
let pages = 1;          // of older incidents shown
let shown = '';         // what is on the screen, so that an unchanged answer changes nothing
let knownHosts = '';
let clockSkewNs = 0;    // the server's clock minus ours
let lastGood = 0;
let timer = 0;

// Makes an element; children that are no elements become text.
function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  for (const child of children.flat(Infinity))
    if (child !== null && child !== undefined) element.append(child instanceof Node ? child : String(child));
  return element;
}

function duration(ns) {
  if (ns === null || !Number.isFinite(ns)) return '';
  const s = ns / 1e9;
  if (s < 0) return '-' + duration(-ns);
  if (s < 1) return Math.round(s * 1000) + ' ms';
  if (s < 10) return s.toFixed(1) + ' s';
  if (s < 60) return Math.round(s) + ' s';
  const m = Math.floor(s / 60);
  if (m < 60) return m + ' min' + (m < 10 && Math.round(s % 60) ? ' ' + Math.round(s % 60) + ' s' : '');
  const h = Math.floor(m / 60);
  if (h < 48) return h + ' h' + (h < 10 && m % 60 ? ' ' + (m % 60) + ' min' : '');
  return Math.floor(h / 24) + ' days';
}

const serverNow = () => Date.now() * 1e6 + clockSkewNs;
const iso = (ns) => new Date(ns / 1e6).toISOString();

// Grows older by itself: see tickTimes().
function ago(ns) {
  return el('time', {datetime: iso(ns), title: iso(ns), 'data-since': ns}, duration(serverNow() - ns) + ' ago');
}
const left = (ns) => ns > serverNow() ? duration(ns - serverNow()) + ' left' : 'over';
function tickTimes() {
  for (const element of document.querySelectorAll('time[data-since]'))
    element.textContent = duration(serverNow() - Number(element.dataset.since)) + ' ago';
  for (const element of document.querySelectorAll('time[data-until]'))
    element.textContent = left(Number(element.dataset.until));
}

function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  while (Math.abs(value) >= 1024 && i < units.length - 1) value /= 1024, ++i;
  return (i === 0 ? value : value.toPrecision(3)) + ' ' + units[i];
}
function measured(value, unit) {
  if (value === null || value === undefined) return 'unknown';
  if (unit === '1') return (value * 100).toFixed(1).replace(/\.0$/, '') + ' %';
  if (unit === 'By') return bytes(value);
  if (unit === 'By/s') return bytes(value) + '/s';
  if (unit === 's') return duration(value * 1e9);
  const text = Number.isInteger(value) ? String(value) : value.toPrecision(4);
  return unit.endsWith('/s') ? text + ' /s' : text;
}

const stateTone = {resolved: 'good', escalated: 'bad', open: 'warn', acting: 'warn', verifying: 'warn'};
const severityTone = {warning: 'warn', error: 'bad', critical: 'bad'};
const tag = (text, tone) => el('span', {class: 'tag ' + (tone || '')}, text);
const stateTag = (incident) => incident.suspicion && incident.closed_at_unix_nano === null
    ? tag('suspicion') : tag(incident.state, stateTone[incident.state]);
const cameBack = (times) => 'came back ' + times + (times === 1 ? ' time' : ' times');
const share = (value) => Math.round(value * 100) + ' %';
const percent = (value) => Math.round(value * 100) + ' % sure';
const detailHash = (host, id) => '#/incident/' + encodeURIComponent(host) + '/' + encodeURIComponent(id);

function hostCard(host) {
  const metric = (name) => host.metrics.find((one) => one.name === name);
  const memory = metric('hostmedic.agent.memory.usage');
  const halted = metric('hostmedic.agent.halted');
  const probe = metric('hostmedic.agent.probe.connected');
  const open = host.open_incidents;
  return el('li', {class: 'host'},
      el('div', {class: 'row'}, el('span', {class: 'name'}, host.name),
          tag(host.state, host.state === 'up' ? 'good' : 'bad')),
      el('div', {class: 'facts'}, el('span', {}, 'seen ', ago(host.last_seen_unix_nano)),
          host.version ? el('span', {}, 'agent ' + host.version) : null,
          memory ? el('span', {title: 'memory of the agent'}, bytes(memory.value)) : null),
      el('div', {class: 'tags'},
          open > 0 ? tag(open + (open === 1 ? ' open incident' : ' open incidents'), 'bad') : null,
          halted && halted.value > 0 ? tag('halted', 'warn') : null,
          probe && probe.value === 0 ? tag('probe not connected', 'bad') : null,
          host.lost_records > 0 ? tag(host.lost_records + ' records lost', 'warn') : null));
}

function incidentRow(incident) {
  const over = incident.closed_at_unix_nano;
  const calls = over === null && !incident.suspicion && !incident.part_of;
  return el('li', {class: 'incident ' + (calls ? incident.severity : 'over') + (incident.suspicion ? ' quiet' : '')},
      el('a', {href: detailHash(incident.host, incident.id), 'data-key': incident.host + '/' + incident.id},
          el('div', {class: 'row'}, el('span', {class: 'summary'}, incident.summary || incident.kind),
              stateTag(incident)),
          el('div', {class: 'facts'}, el('span', {}, incident.host), el('span', {}, incident.root),
              el('span', {}, incident.severity), el('span', {}, ago(incident.opened_at_unix_nano)),
              incident.flaps > 0 ? el('span', {}, cameBack(incident.flaps)) : null,
              incident.part_of ? el('span', {}, 'part of ' + incident.part_of) : null,
              incident.acknowledged_by ? el('span', {}, 'known to ' + incident.acknowledged_by) : null,
              over === null ? null
                            : el('span', {}, 'over after ' + duration(over - incident.fault_at_unix_nano)))));
}

function waitingRow(plan) {
  const one = plan.order.plan;
  const until = plan.expires_at_unix_nano;
  return el('li', {class: 'incident warning'},
      el('a', {href: detailHash(plan.host, plan.incident_id), 'data-key': 'plan/' + plan.host + '/' + plan.incident_id},
          el('div', {class: 'row'}, el('span', {class: 'summary'}, one.what),
              el('time', {class: 'tag warn', datetime: iso(until), title: iso(until), 'data-until': until}, left(until))),
          el('div', {class: 'facts'}, el('span', {}, plan.host_name), el('span', {}, one.target), el('span', {}, one.command),
              el('span', {}, one.undo ? 'undo: ' + one.undo : 'cannot be undone')),
          plan.refused ? el('div', {class: 'facts'}, tag('a word was not taken', 'bad'), plan.refused) : null,
          el('pre', {}, 'hostmedic approve ' + plan.incident_id + ' --fleet ' + location.host +
              ' --certificate YOU.crt --key YOU.key')));
}

// Replaces the children and keeps the keyboard focus where it was.
function fill(parent, children) {
  const focused = document.activeElement && document.activeElement.dataset.key;
  parent.replaceChildren(...children);
  if (!focused) return;
  for (const element of parent.querySelectorAll('[data-key]'))
    if (element.dataset.key === focused) element.focus({preventScroll: true});
}

function showHosts(hosts) {
  byId('host-count').textContent = hosts.length;
  fill(byId('hosts'), hosts.length ? hosts.map(hostCard) : [el('li', {class: 'empty'},
      'No host has reported yet. On this machine: ', el('code', {}, 'hostmedic-aggregator enroll HOST'),
      ', then on the host: ', el('code', {}, 'hostmedic enroll FILE'))]);
  const names = JSON.stringify(hosts.map((host) => host.name));
  if (names === knownHosts) return;
  knownHosts = names;
  const select = byId('filter-host');
  const chosen = select.value;
  select.replaceChildren(el('option', {value: ''}, 'all'),
      ...hosts.map((host) => el('option', {value: host.name}, host.name)));
  select.value = hosts.some((host) => host.name === chosen) ? chosen : '';
}

function showWaiting(plans) {
  byId('waiting-plans').hidden = !plans.length;
  byId('waiting-count').textContent = plans.length;
  fill(byId('waiting'), plans.map(waitingRow));
}

function showIncidents(incidents, more) {
  fill(byId('incidents'),
      incidents.length ? incidents.map(incidentRow) : [el('li', {class: 'empty'}, 'No incidents.')]);
  byId('more').hidden = !more;
}

const last = (incident, kind) => incident.timeline.filter((entry) => entry.kind === kind).pop();
const section = (title, ...content) => content.flat().some((one) => one) ? [el('h2', {}, title), ...content] : [];
const facts = (pairs) => el('dl', {}, pairs.filter((pair) => pair && pair[1] !== '' && pair[1] !== undefined)
    .map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));

function numbers(incident) {
  const fault = incident.fault_at_unix_nano;
  const acted = last(incident, 'acted');
  const box = (value, name) => el('div', {}, el('b', {}, value), el('span', {}, name));
  return el('div', {class: 'numbers'},
      box(duration(incident.opened_at_unix_nano - fault), 'noticed after'),
      acted ? box(duration(acted.at_unix_nano - fault), 'treated after') : null,
      incident.closed_at_unix_nano === null
          ? box('not yet', 'resolved')
          : box(duration(incident.closed_at_unix_nano - fault),
                incident.state === 'resolved' ? 'resolved after' : 'over after'),
      box(percent(incident.confidence).replace(' sure', ''), 'confidence'));
}

function evidence(anomalies) {
  if (!anomalies.length) return null;
  const compared = (one) => one.normal_low !== null && one.normal_high !== null
      ? 'usually ' + measured(one.normal_low, one.unit) + ' to ' + measured(one.normal_high, one.unit)
      : one.expected === null ? '' : (one.direction === 'below' ? 'at least ' : one.direction === 'above' ? 'at most ' : '') +
            measured(one.expected, one.unit);
  return el('div', {class: 'block'}, el('table', {class: 'stack'},
      el('thead', {}, el('tr', {}, ['Seen', 'Value', 'Compared with', 'Signal', ''].map((name) => el('th', {}, name)))),
      el('tbody', {}, anomalies.map((one) => el('tr', {},
          el('td', {class: 'wide'}, one.evidence || one.rule),
          el('td', {class: 'num'}, measured(one.value, one.unit)),
          el('td', {class: 'num'}, compared(one)),
          el('td', {}, el('code', {}, one.signal), ' ', el('span', {class: 'dim'}, one.entity)),
          el('td', {}, tag(one.firing ? 'firing' : 'quiet', one.firing ? 'bad' : 'good'),
              ' ', one.proof ? tag('proof') : null))))));
}

// Why the root, and not the others.
function candidates(incident) {
  if (!incident.candidates.length) return null;
  return el('div', {class: 'block'}, el('table', {class: 'stack'},
      el('thead', {}, el('tr', {}, ['Score', 'May be the root', 'Because'].map((name) => el('th', {}, name)))),
      el('tbody', {}, incident.candidates.map((one) => el('tr', {class: one.entity === incident.root ? 'decides' : ''},
          el('td', {class: 'num'}, el('meter', {value: one.score, 'aria-label': 'score'}), ' ', share(one.score)),
          el('td', {}, one.entity), el('td', {class: 'wide'}, one.why))))));
}

function affected(incident) {
  if (!incident.affected.length) return null;
  return el('div', {class: 'block'}, el('table', {class: 'stack'},
      el('thead', {}, el('tr', {}, ['Affected', 'Seen of it', 'By way of'].map((name) => el('th', {}, name)))),
      el('tbody', {}, incident.affected.map((one) => el('tr', {}, el('td', {}, one.entity),
          el('td', {class: 'wide'}, one.symptom), el('td', {class: 'dim'}, one.path))))));
}

// What was changed shortly before, and what else was looked for.
function context(incident) {
  const nothing = incident.context.filter((one) => !one.found).map((one) => one.what);
  const said = incident.changes.map((one) => one.text);
  if (!incident.context.length && !incident.changes.length) return null;
  return el('div', {class: 'block'}, facts([
    ...incident.changes.map((one) => ['changed', one.text + ', ' +
        duration(incident.fault_at_unix_nano - one.at_unix_nano) + ' before: ' + share(one.probability) +
        ' likely the cause']),
    ...incident.context.filter((one) => one.found && !said.some((text) => text && one.found.startsWith(text)))
        .map((one) => ['found', one.what + ': ' + one.found]),
    nothing.length ? ['not found', nothing.join(', ')] : null]));
}

function plan(incident) {
  const entry = last(incident, 'planned');
  if (!entry) return null;
  const of = entry.attributes;
  return el('div', {class: 'block'}, el('p', {}, entry.text), of.command ? el('pre', {}, of.command) : null,
      facts([['runbook', (of.runbook || '') + (of.step ? ', step ' + of.step : '')], ['action', of.action],
             ['undo', of.undo || 'cannot be undone']]));
}

// A verdict carries one attribute for each rule of the guard: "deny: reason".
function guard(incident) {
  const entry = last(incident, 'verdict');
  if (!entry) return null;
  const rules = Object.entries(entry.attributes).map(([rule, text]) => {
    const found = /^(allow|hold|deny)(?:: ?|$)(.*)$/s.exec(text);
    return {rule, decision: found ? found[1] : '', reason: found ? found[2] : text};
  });
  const tone = {allow: 'good', hold: 'warn', deny: 'bad'};
  return el('div', {class: 'block'}, el('p', {}, entry.text), rules.length ? el('table', {class: 'stack'},
      el('thead', {}, el('tr', {}, ['Says', 'Rule', 'Because'].map((name) => el('th', {}, name)))),
      el('tbody', {}, rules.map((one) => el('tr', {class: one.decision === 'allow' ? '' : 'decides'},
          el('td', {}, tag(one.decision, tone[one.decision])), el('td', {}, one.rule),
          el('td', {class: 'wide'}, one.reason))))) : null);
}

function outcome(incident) {
  const acted = last(incident, 'acted');
  const verified = last(incident, 'verified');
  const escalated = last(incident, 'escalated');
  const text = (entry) => [entry.text, ' ', el('span', {class: 'dim'}, iso(entry.at_unix_nano))];
  const details = acted ? Object.entries(acted.attributes).map(([name, value]) => [name, value]) : [];
  if (!acted && !verified && !escalated) return null;
  return el('div', {class: 'block'}, facts([
    acted && ['done', text(acted)], verified && ['verified', text(verified)],
    escalated && ['escalated', text(escalated)], ...details]));
}

function timeline(incident) {
  const fault = incident.fault_at_unix_nano;
  return el('div', {class: 'block'}, el('ol', {class: 'timeline'}, incident.timeline.map((entry) => el('li', {},
      el('time', {datetime: iso(entry.at_unix_nano), title: iso(entry.at_unix_nano)},
          '+' + duration(entry.at_unix_nano - fault)),
      el('span', {class: 'kind'}, entry.kind), el('span', {class: 'text'}, entry.text)))));
}

function showDetail(answer) {
  const incident = answer.incident;
  const detail = byId('detail');
  const children = [
    el('p', {}, el('a', {href: '#/', 'data-key': 'back'}, '← all incidents')),
    el('h1', {}, incident.summary || incident.kind),
    el('div', {class: 'tags'}, stateTag(incident),
        tag(incident.severity, severityTone[incident.severity]), tag(incident.kind), tag(answer.host),
        incident.flapping ? tag('flapping', 'warn') : null),
    incident.suspicion
        ? el('p', {class: 'dim'}, 'A suspicion: nothing independent confirms it yet, so nobody is told.') : null,
    numbers(incident),
    el('div', {class: 'block'}, el('p', {}, incident.diagnosis), facts([
      ['root', incident.root], ['caused by', incident.causes.join(', ')],
      incident.part_of ? ['part of', el('a', {href: detailHash(answer.host, incident.part_of)}, incident.part_of)] : null,
      ['known to', incident.acknowledged_by], incident.flaps > 0 ? ['unsteady', cameBack(incident.flaps)] : null,
      ['began', iso(incident.fault_at_unix_nano)], ['noticed', iso(incident.opened_at_unix_nano)],
      incident.closed_at_unix_nano === null ? null : ['over', iso(incident.closed_at_unix_nano)],
      ['signals', incident.signals + (incident.proof ? ', one is proof by itself' : '')],
      ['incident', incident.id + ', revision ' + incident.revision + ', fingerprint ' + incident.fingerprint]])),
    ...section('Why it, and not the others', candidates(incident)),
    ...section('Affected', affected(incident)),
    ...section('Evidence', evidence(incident.anomalies)),
    ...section('Context', context(incident)),
    ...section('Plan', plan(incident)),
    ...section('Guard', guard(incident)),
    ...section('Outcome', outcome(incident)),
    ...section('Timeline', timeline(incident)),
  ];
  fill(detail, children.filter((one) => one));
}

async function get(path) {
  const response = await fetch(path, {headers: {Accept: 'application/json'}});
  const body = await response.json();
  if (!response.ok) throw new Error(body.error || 'answer ' + response.status);
  clockSkewNs = body.now_unix_nano - Date.now() * 1e6;
  delete body.now_unix_nano;
  return body;
}

async function loadIncidents() {
  const query = new URLSearchParams({limit: PAGE});
  if (byId('filter-host').value) query.set('host', byId('filter-host').value);
  if (byId('filter-state').value) query.set('state', byId('filter-state').value);
  const all = [];
  for (let i = 0; i < pages; ++i) {
    const page = await get('/api/incidents?' + query);
    all.push(...page.incidents);
    if (page.next_before === null) return {all, more: false};
    query.set('before', page.next_before);
  }
  return {all, more: true};
}

// Takes the newest answer to the screen if it differs from what is there.
function present(key, show) {
  if (key === shown) return tickTimes();
  shown = key;
  show();
}

async function refresh() {
  clearTimeout(timer);
  const hash = location.hash;
  const parts = /^#\/incident\/([^/]+)\/([^/]+)$/.exec(hash);
  try {
    if (parts) {
      const answer = await get('/api/incidents/' + parts[2] + '?host=' + parts[1]);
      if (hash !== location.hash) return;
      present(hash + JSON.stringify(answer), () => showDetail(answer));
    } else {
      const [hosts, waiting, incidents] = await Promise.all([get('/api/hosts'), get('/api/proposals'), loadIncidents()]);
      if (hash !== location.hash) return;
      present(JSON.stringify([hosts, waiting, incidents]), () => {
        showHosts(hosts.hosts);
        showWaiting(waiting.proposals);
        showIncidents(incidents.all, incidents.more);
      });
    }
    byId('overview').hidden = Boolean(parts);
    byId('detail').hidden = !parts;
    lastGood = Date.now();
    byId('freshness').textContent = 'up to date';
    byId('freshness').classList.remove('stale');
  } catch (error) {
    byId('freshness').textContent = (lastGood ? 'as of ' + duration((Date.now() - lastGood) * 1e6) + ' ago: ' : '') +
        error.message;
    byId('freshness').classList.add('stale');
  }
  timer = setTimeout(refresh, REFRESH_MS);
}

for (const id of ['filter-host', 'filter-state'])
  byId(id).addEventListener('change', () => {
    pages = 1;
    refresh();
  });
byId('more').addEventListener('click', () => {
  ++pages;
  refresh();
});
window.addEventListener('hashchange', () => {
  if (!location.hash.startsWith('#/')) return;
  window.scrollTo(0, 0);
  byId('main').focus({preventScroll: true});
  refresh();
});
refresh();
