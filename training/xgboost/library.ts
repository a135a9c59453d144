/** Finds XGBoost's shared library. Only training with it needs it; scoring runs on the exported graphs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type LibrarySearch, pythonFolders } from '../lightgbm/library.ts'

const FILE_NAMES = ['libxgboost.so', 'libxgboost.dylib', 'xgboost.dll'] as const

/** The library is not on this machine; the message says how to get it. */
export class XgboostMissing extends Error {
  readonly code = 'xgboost-missing'
  constructor(searched: readonly string[], cause?: unknown) {
    super(
      [
        'training with XGBoost needs its shared library (libxgboost.so), which was not found or does not load.',
        `Looked in: ${searched.join(', ')}.`,
        'To get it: `npm run setup:xgboost` (asks pip for the wheel and unpacks it to deps/xgboost/; `-- --cuda` for the build that can use a GPU),',
        'or `python3 -m pip install xgboost`, or set SCORESTREAM_XGBOOST_LIB to the file. Or train with --learner lightgbm.',
      ].join('\n'),
      { cause },
    )
    this.name = 'XgboostMissing'
  }
}

/** Path of the library. Throws {@link XgboostMissing} with the remedy when there is none. */
export const locateXgboost = (search: LibrarySearch): string => {
  if (search.explicit !== undefined && search.explicit !== '') {
    if (existsSync(search.explicit)) return search.explicit
    throw new XgboostMissing([`SCORESTREAM_XGBOOST_LIB=${search.explicit} (no such file)`])
  }
  // The wheel's own folders are kept: the library looks for its OpenMP runtime beside itself.
  const folders = [join(search.projectRoot, 'deps', 'xgboost'), ...pythonFolders(search)].map((folder) => join(folder, 'xgboost', 'lib'))
  for (const folder of folders) {
    for (const name of FILE_NAMES) if (existsSync(join(folder, name))) return join(folder, name)
  }
  throw new XgboostMissing(folders)
}
