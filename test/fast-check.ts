import fc from 'fast-check'

/**
 * Properties draw the same examples in every run, so that a change is judged and not the draw. `SCORESTREAM_TEST_SEED` draws others: the
 * nightly workflow passes a new one each night, and a failure prints it.
 */
fc.configureGlobal({ seed: Number(process.env['SCORESTREAM_TEST_SEED'] || 20_261_121) })
