import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../test/cli/program.js'
import type { Stage } from './stage.js'
import type { Running, Subject } from './subjects/subject.js'

/** The subjects that run, each by one process at a time. */
export class Cast {
  readonly #stage: Stage
  readonly #running = new Map<Subject, { readonly running: Running; readonly entries: number }>()

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** The subject with a list of so many entries: the one that runs, or one that is started. */
  async enter(
    subject: Subject,
    entries: number,
  ): Promise<{ readonly running: Running; readonly isNew: boolean }> {
    const there = this.#running.get(subject)
    if (there?.entries === entries) return { running: there.running, isNew: false }
    await this.leave(subject)
    const parent = join(this.#stage.folder, 'run')
    mkdirSync(parent, { recursive: true })
    const folder = mkdtempSync(join(parent, `${subject.name.replaceAll(/[^A-Za-z0-9]+/g, '-')}-`))
    const [port = 0, admin = 0] = await freePorts(2)
    const partners = this.#stage.partners(entries)
    const running = await subject.start({ stage: this.#stage, partners, folder, ports: [port, admin] })
    this.#running.set(subject, { running, entries })
    return { running, isNew: true }
  }

  async leave(subject: Subject): Promise<void> {
    await this.#running.get(subject)?.running.stop()
    this.#running.delete(subject)
  }

  async close(): Promise<void> {
    for (const subject of [...this.#running.keys()]) await this.leave(subject)
  }
}
