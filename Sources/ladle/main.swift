import AsyncHTTPClient
import ArgumentParser
import Gateway
print("placeholder", HTTPClient.self)
