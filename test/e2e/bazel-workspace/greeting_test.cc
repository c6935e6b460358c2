#include <iostream>

#include "greeting.h"

int main() {
  const std::string greeting = Greeting("test");
  std::cout << "greeting is " << greeting << std::endl;
  return greeting == "Hello, test!" ? 0 : 1;
}
