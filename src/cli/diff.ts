import { diffWhitelists } from '../gateway/policy-diff.js'
import { diffSettings } from '../gateway/policy-diff-settings.js'
import { Replay } from '../gateway/replay.js'
import type { ReplayRules } from '../gateway/replay-judgement.js'
import { speakerFor } from './desk-output.js'
import { environmentsOf, openSource, type DeskEnvironment, type DeskSource } from './desk-source.js'
import { tellReplay, tellSettings, tellWhitelist, type Comparison, type Replayed } from './diff-text.js'
import { readTrails } from './audit-trail.js'
import {
  exit,
  instantOption,
  listOption,
  textOption,
  type Streams,
  type Verb,
  type VerbOptions,
} from './verb.js'

/** `ror-gateway diff`: what a change does, before it is in force. */
export const diff: Verb = {
  name: 'diff',
  summary: 'tells how two configurations or whitelists differ, and which past decisions would be others',
  positionals: [
    {
      name: 'OLD',
      help: 'gateway.yaml, a whitelist file or folder, or any of them at a git revision: REV:path',
    },
    { name: 'NEW', help: 'the same, as it is to be' },
  ],
  options: [
    { name: 'env', value: 'NAME', help: 'this environment alone' },
    { name: 'replay', value: 'FILE', multiple: true, help: 'audit trail whose requests are judged by both' },
    { name: 'at', value: 'TIME', help: 'the moment both are judged at (default: now)' },
    { name: 'all', help: 'every name, however many there are' },
    { name: 'json', help: 'the answer as JSON' },
  ],
  examples: [
    'ror-gateway diff HEAD:gateway.yaml gateway.yaml',
    'ror-gateway diff whitelist.old/ whitelist/ --json',
    'ror-gateway diff HEAD:gateway.yaml gateway.yaml --replay audit.ndjson',
  ],
  async run(options, streams) {
    const speaker = speakerFor(streams)
    const at = instantOption(options, 'at') ?? Date.now()
    const env = textOption(options, 'env')
    const sources: DeskSource[] = []
    try {
      const before = await openSource(textOption(options, 'old') ?? '')
      sources.push(before)
      const after = await openSource(textOption(options, 'new') ?? '')
      sources.push(after)
      const comparison = compare(before, after, env)
      const replayed = await replay(options, streams, { before, after, at, env })
      if (options['json'] === true) {
        speaker.json({
          old: before.label,
          new: after.label,
          ...comparison,
          ...(replayed && { replay: replayed.report }),
        })
        return exit.done
      }
      const most = options['all'] === true ? Infinity : 10
      tellSettings(speaker, comparison)
      for (const each of comparison.environments) tellWhitelist(speaker, each, { before, after, most })
      if (replayed !== undefined) tellReplay(speaker, replayed, most)
      return exit.done
    } finally {
      for (const source of sources) await source.close()
    }
  },
}

function compare(before: DeskSource, after: DeskSource, env: string | undefined): Comparison {
  const [old, next] = paired(environmentsOf(before, env), environmentsOf(after, env))
  const configs = [before.loaded?.config, after.loaded?.config] as const
  const [was, is] = configs
  return {
    settings: was === undefined || is === undefined || env !== undefined ? [] : diffSettings(was, is),
    environments: [...next].flatMap(([name, { whitelist }]) => {
      const earlier = old.get(name)
      return earlier === undefined
        ? []
        : [{ environment: name, ...diffWhitelists(earlier.whitelist, whitelist) }]
    }),
    added: [...next.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !next.has(name)),
  }
}

type ByName = ReadonlyMap<string, DeskEnvironment>

// a whitelist alone is compared with the one environment of the other side, whatever it is called
function paired(
  old: readonly DeskEnvironment[],
  next: readonly DeskEnvironment[],
): readonly [ByName, ByName] {
  const [one] = old
  const [other] = next
  if (old.length === 1 && next.length === 1 && one !== undefined && other !== undefined) {
    if (one.name === '' || other.name === '') {
      const name = one.name || other.name
      return [new Map([[name, one]]), new Map([[name, other]])]
    }
  }
  return [byName(old), byName(next)]
}

function byName(environments: readonly DeskEnvironment[]): ByName {
  return new Map(environments.map((environment) => [environment.name, environment]))
}

async function replay(
  options: VerbOptions,
  streams: Streams,
  { before, after, at, env }: { before: DeskSource; after: DeskSource; at: number; env: string | undefined },
): Promise<Replayed | undefined> {
  const trails = listOption(options, 'replay')
  if (trails.length === 0) return undefined
  const [old, next] = paired(environmentsOf(before, env), environmentsOf(after, env))
  const run = new Replay({ before: rulesOf(old), after: rulesOf(next), at })
  const onLine = (line: string): void => {
    run.note(line)
  }
  const ms = await readTrails(trails, { onLine }, streams)
  return { report: run.report(), ms }
}

function rulesOf(environments: ByName): ReadonlyMap<string, ReplayRules> {
  return new Map([...environments].map(([name, { whitelist, apis }]) => [name, { whitelist, apis }]))
}
