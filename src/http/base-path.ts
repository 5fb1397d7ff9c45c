/** Where the API is, at every door. */
export const basePath = '/api/v1'
