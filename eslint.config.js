import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', '.stack/', 'coverage/', '.dependency-cruiser.cjs'] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.js'] }, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'no-console': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    // Only the entry points may touch the process (I/O, exit codes, environment).
    files: ['src/**/*.ts'],
    ignores: ['src/main.ts', 'src/healthcheck.ts'],
    rules: { 'no-restricted-globals': ['error', { name: 'process', message: 'Only src/main.ts uses process.*.' }] },
  },
  {
    // A describe block or a test body may be long: it reads as a list of sentences.
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    // What the browser gets: JavaScript that the compiler checks by its comments, the browser's own names included.
    files: ['src/rest/page/assets/*.js'],
    ...tseslint.configs.disableTypeChecked,
    rules: { ...tseslint.configs.disableTypeChecked.rules, 'no-undef': 'off' },
  },
  { files: ['*.js', '{scripts,docs,helm}/**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['*.js', '{scripts,docs,helm}/**/*.mjs'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', fetch: 'readonly', AbortSignal: 'readonly' },
    },
    rules: { 'no-console': 'off' },
  },
);
