import type { Random } from './random.js'

/** Something that takes bytes from strangers, and what must hold of it for any of them. */
export interface FuzzTarget {
  readonly name: string
  readonly seeds: readonly (string | Uint8Array)[]
  /** Texts that matter to what reads the input. */
  readonly dictionary: readonly string[]
  /** An input made rather than mutated; taken half of the time where it is there. */
  readonly make?: (random: Random) => Uint8Array
  /**
   * What became of the input, in a few words: an input with a new answer is kept and mutated on.
   *
   * @throws whatever, where what must hold does not: that is a finding
   */
  check(input: Uint8Array): string | Promise<string>
  /** No further input comes: what it holds open is closed. */
  readonly close?: () => Promise<void>
}

/** The text of bytes that are UTF-8, or as one character a byte. */
export function textOf(input: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)
  } catch {
    return Buffer.from(input).toString('latin1')
  }
}

/** A message without what came from the input, so that few answers stand for many inputs. */
export function inFewWords(message: string): string {
  return message
    .replaceAll(/`[^`]*`/g, '``')
    .replaceAll(/0x[0-9a-f]+|\d+/g, '#')
    .slice(0, 120)
}
