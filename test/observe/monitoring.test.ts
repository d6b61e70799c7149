import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { root } from '../support/shared.js'
import { busy } from './busy.js'

const prometheus = join(root, 'deploy', 'prometheus')
const runbooks = join(root, 'docs', 'runbooks')

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] }
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
}

function rulesOf(file: string): readonly Rule[] {
  const text = readFileSync(join(prometheus, file), 'utf8')
  const { groups } = parse(text) as { groups: { rules: Rule[] }[] } // the shape is Prometheus's, which promtool checks
  return groups.flatMap(({ rules }) => rules)
}

const alerts = rulesOf('alerts.rules.yml')
const records = rulesOf('recording.rules.yml')
const dashboard = JSON.parse(
  readFileSync(join(root, 'deploy', 'grafana', 'ror-gateway.json'), 'utf8'),
) as Dashboard // the shape is Grafana's

/** Every metric of a live registry, with the labels of its series. */
async function exposed(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { text } = await busy().expose()
  const metrics = new Map<string, Set<string>>()
  for (const [, name = ''] of text.matchAll(/^# TYPE (\w+)/gm))
    metrics.set(name, new Set(['job', 'instance']))
  for (const line of text.split('\n')) {
    const found = /^([a-z]\w*)(?:\{(.*)\})? \S+$/.exec(line)
    if (found === null) continue
    const [, name = '', labels = ''] = found
    const known = metrics.get(name) ?? new Set(['job', 'instance'])
    metrics.set(name, known)
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label)
  }
  for (const { record = '' } of records) {
    const levels = record.split(':')[0]?.split('_') ?? []
    metrics.set(record, new Set(levels))
  }
  return metrics.set('up', new Set(['job', 'instance']))
}

const ours = /^(?:ror_gateway_|process_|nodejs_|up$)|:/

/** The metrics that a query names, with the labels it matches by; strings are no names. */
function selectorsOf(query: string): { name: string; labels: string[] }[] {
  const found = query.matchAll(/([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})?/g)
  return [...found]
    .map(([, name = '', matchers = '']) => ({
      name,
      labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g)].map((match) => match[1] ?? ''),
    }))
    .filter(({ name }) => ours.test(name))
}

/** The labels that a query groups by. */
function groupedBy(query: string): string[] {
  return [...query.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap((match) =>
    (match[1] ?? '')
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  )
}

async function assertQueries(queries: readonly string[]): Promise<void> {
  const metrics = await exposed()
  const allLabels = new Set([...metrics.values()].flatMap((labels) => [...labels]))
  let selectors = 0
  for (const query of queries) {
    for (const { name, labels } of selectorsOf(query)) {
      selectors += 1
      const known = metrics.get(name)
      assert.ok(known, `no metric \`${name}\`: ${query}`)
      for (const label of labels)
        assert.ok(known.has(label), `\`${name}\` has no label \`${label}\`: ${query}`)
    }
    for (const label of groupedBy(query)) assert.ok(allLabels.has(label), `no label \`${label}\`: ${query}`)
  }
  assert.ok(selectors >= queries.length)
}

test('every query of the dashboard names metrics and labels that exist', async () => {
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  assert.ok(queries.length > 35)
  const variables = dashboard.templating.list
    .map(({ query }) => (typeof query === 'object' && query !== null && 'query' in query ? query.query : ''))
    .filter((query) => typeof query === 'string' && query.startsWith('label_values'))
  assert.equal(variables.length, 2)
  await assertQueries([...queries, ...variables.map(String)])
})

test('the dashboard opens on the questions of who is on call', () => {
  const rows = dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title)
  assert.deepEqual(rows, [
    'Are partners refused more than usual, who and why?',
    'Is the upstream slow?',
    'What expires?',
    'Did the last reload work?',
    'Is the gateway itself well?',
  ])
})

test('no panel of the dashboard covers another, and each has its number', () => {
  const taken = new Set<string>()
  const ids = new Set<number>()
  for (const { id, title, gridPos } of dashboard.panels) {
    assert.ok(!ids.has(id), title)
    ids.add(id)
    assert.ok(gridPos.x + gridPos.w <= 24, title)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.ok(!taken.has(`${x} ${y}`), `${title} covers another panel`)
        taken.add(`${x} ${y}`)
      }
    }
  }
})

test('every rule names metrics and labels that exist', async () => {
  await assertQueries([...alerts, ...records].map(({ expr }) => expr))
})

test('every metric of the gateway is asked for by the dashboard or by an alert', async () => {
  const asked = new Set(
    [
      ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...dashboard.annotations.list.map(({ expr }) => expr),
      ...[...alerts, ...records].map(({ expr }) => expr),
    ].flatMap((query) => selectorsOf(query).map(({ name }) => name.replace(/_(?:bucket|sum|count)$/, ''))),
  )
  const { text } = await busy().expose()
  for (const [, name = ''] of text.matchAll(/^# TYPE (ror_gateway_\w+)/gm)) {
    assert.ok(asked.has(name), `nobody looks at ${name}`)
  }
})

test('every alert has its severity, says what it means, and has a runbook; no runbook is left over', () => {
  const named = new Set<string>()
  for (const { alert = '', labels, annotations } of alerts) {
    assert.match(alert, /^RorGateway[A-Z]\w+$/)
    assert.match(labels?.['severity'] ?? '', /^(?:critical|warning|info)$/, alert)
    assert.match(annotations?.['summary'] ?? '', /^[^A-Z].*[^.]$/, alert)
    const kebab = alert
      .replace('RorGateway', '')
      .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-')
      .toLowerCase()
    assert.equal(annotations?.['runbook_url'], `{{ $externalLabels.runbooks }}docs/runbooks/${kebab}.md`)
    named.add(`${kebab}.md`)
    const runbook = readFileSync(join(runbooks, `${kebab}.md`), 'utf8')
    assert.ok(runbook.startsWith(`# ${alert}\n`), alert)
    for (const part of ['**What partners see.**', '## Look', '## Do'])
      assert.ok(runbook.includes(part), alert)
  }
  assert.deepEqual(readdirSync(runbooks).sort(), [...named].sort())
})

test('runbooks link to files that exist, and name metrics that do', async () => {
  const metrics = await exposed()
  for (const file of readdirSync(runbooks)) {
    const text = readFileSync(join(runbooks, file), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\(([^)]+)\)/g))
      assert.ok(existsSync(join(runbooks, target)), target)
    for (const [, name = ''] of text.matchAll(/`((?:ror_gateway|process|nodejs)_\w+)`/g)) {
      assert.ok(metrics.has(name), `${file}: ${name}`)
    }
  }
})
