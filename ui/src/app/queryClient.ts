import { QueryClient } from '@tanstack/react-query'
import { asProblem } from '../api/problem'

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // what the server refused it would refuse again
      retry: (failures, error) => failures < 3 && asProblem(error).passing,
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 5_000),
      networkMode: 'always', // a server of one's own needs no internet
    },
    mutations: { networkMode: 'always' },
  },
})
