/** Finds LightGBM's shared library. Only training needs it; scoring runs on the exported graphs. */
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const FILE_NAMES = ['lib_lightgbm.so', 'lib_lightgbm.dylib', 'lib_lightgbm.dll'] as const

/** The library is not on this machine; the message says how to get it. */
export class LightGbmMissing extends Error {
  readonly code = 'lightgbm-missing'
  constructor(searched: readonly string[], cause?: unknown) {
    super(
      [
        'training needs LightGBM’s shared library (lib_lightgbm.so), which was not found or does not load.',
        `Looked in: ${searched.join(', ')}.`,
        'To get it: `npm run setup:lightgbm` (asks pip for the wheel and unpacks it to deps/lightgbm/),',
        'or `python3 -m pip install lightgbm`, or set SCORESTREAM_LIGHTGBM_LIB to the file.',
        'The library itself needs the OpenMP runtime: `apt-get install libgomp1` on Debian and Ubuntu.',
        'Everything except training works without it, on the bundle shipped in models/.',
      ].join('\n'),
      { cause },
    )
    this.name = 'LightGbmMissing'
  }
}

export interface LibrarySearch {
  /** Value of `SCORESTREAM_LIGHTGBM_LIB` (or its sibling for another library); wins over everything when set. */
  readonly explicit?: string | undefined
  /** Active Python environment (`VIRTUAL_ENV`), if any. */
  readonly virtualEnvironment?: string | undefined
  /** Folder that holds `deps/lightgbm/` and perhaps `.venv/`. */
  readonly projectRoot: string
}

const childFolders = (folder: string, pattern: RegExp): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => pattern.test(name))
        .toSorted()
        .map((name) => join(folder, name))
    : []

const sitePackages = (prefix: string): string[] =>
  childFolders(join(prefix, 'lib'), /^python3/).flatMap((python) => [join(python, 'site-packages'), join(python, 'dist-packages')])

/** Where Python keeps packages, from the nearest environment to the farthest. */
export const pythonFolders = (search: Pick<LibrarySearch, 'virtualEnvironment' | 'projectRoot'>): string[] =>
  [search.virtualEnvironment, join(search.projectRoot, '.venv'), join(homedir(), '.local'), '/usr/local', '/usr']
    .filter((prefix) => prefix !== undefined)
    .flatMap(sitePackages)

/** Folders searched, in order: the project's own copy, then Python environments. */
export const libraryFolders = (search: LibrarySearch): string[] => [
  join(search.projectRoot, 'deps', 'lightgbm'),
  ...pythonFolders(search).map((folder) => join(folder, 'lightgbm', 'lib')),
]

/** Path of the library. Throws {@link LightGbmMissing} with the remedy when there is none. */
export const locateLightGbm = (search: LibrarySearch): string => {
  if (search.explicit !== undefined && search.explicit !== '') {
    if (existsSync(search.explicit)) return search.explicit
    throw new LightGbmMissing([`SCORESTREAM_LIGHTGBM_LIB=${search.explicit} (no such file)`])
  }
  const folders = libraryFolders(search)
  for (const folder of folders) {
    for (const name of FILE_NAMES) if (existsSync(join(folder, name))) return join(folder, name)
  }
  throw new LightGbmMissing(folders)
}
