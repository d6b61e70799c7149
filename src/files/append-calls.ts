import * as fs from 'node:fs'
import { join, parse } from 'node:path'
import { promisify } from 'node:util'
import { systemCode } from './problem.js'

export const open = promisify(fs.open)
export const close = promisify(fs.close)
export const rename = promisify(fs.rename)
export const fsync = promisify(fs.fsync)
const write = promisify(fs.write)
const stat = promisify(fs.stat)
const fstat = promisify(fs.fstat)

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = fs.constants
export const appendFlags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK

/** How long the reader of a full pipe is waited for, in looks of 5 ms, before that is a problem. */
const maxPipeLooks = 200

/** Writes bytes to their end, waiting for a slow pipe; says how far it came where it broke. */
export async function writeFrom(
  fd: number,
  bytes: Buffer,
  from: number,
): Promise<{ done: number; error?: Error }> {
  let done = from
  for (let looks = 0; done < bytes.length;) {
    try {
      const { bytesWritten } = await write(fd, bytes, done, bytes.length - done, null)
      done += bytesWritten
      looks = 0
    } catch (error) {
      looks += 1
      if (systemCode(error) !== 'EAGAIN' || looks > maxPipeLooks) {
        return { done, error: error instanceof Error ? error : new Error(String(error)) }
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  return { done }
}

/** The path itself, or with `-1`, `-2`, … before its extension where something stands there. */
export async function freePath(wish: string): Promise<string> {
  const { dir, name, ext } = parse(wish)
  for (let nth = 0; ; nth += 1) {
    const path = nth === 0 ? wish : join(dir, `${name}-${nth}${ext}`)
    try {
      await stat(path)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return path
      throw error
    }
  }
}

/** Whether the file that is held is the one that stands at the path. */
export async function isSameFile(fd: number, path: string): Promise<boolean> {
  try {
    const [held, standing] = await Promise.all([fstat(fd, { bigint: true }), stat(path, { bigint: true })])
    return held.dev === standing.dev && held.ino === standing.ino
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
